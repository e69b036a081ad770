/**
 * Loader, the script of each run's widget: waits for the page's front end and passes the widget to
 * it.
 *
 * The front end (index.tsx) is evaluated once in a page, however many runs and kernels it shows:
 * anywidget evaluates the script of every widget anew, and a browser never frees a module. It
 * is in the kernel's hidden widget (`FrontEnd` in nbagent/notebook/front_end.py), which the page
 * has before the first run's; only where that cannot be reached, as in a front end that gives each
 * output a page of its own, the run's kernel is asked for it.
 */

import type { AnyModel, AnyWidget, InitializeProps, RenderProps } from "@anywidget/types";
import { importText } from "./import-text";
import type { NeedMessage, PartMessage } from "./protocol";

/** Hash of the front end's text: kernels with different versions of nbagent may share a page. */
declare const NBAGENT_FRONT_END: string;

/** Exports of index.tsx. */
interface FrontEnd {
  default: {
    initialize(props: InitializeProps & { early: readonly unknown[] }): () => void;
    render(props: RenderProps): () => void;
  };
}

const SLOT = Symbol.for(`nbagent.${NBAGENT_FRONT_END}`);
const page = globalThis as { [SLOT]?: Promise<FrontEnd> };
const NAME = "widget.js";
/** Time after which an unanswered request is repeated. */
const ANSWER_TIMEOUT_MS = 4000;

async function loadFrontEnd(model: AnyModel): Promise<FrontEnd> {
  const importing = importFromWidget(model);
  if (page[SLOT]) return page[SLOT];
  await importing;
  // Another widget may have been faster.
  return page[SLOT] ?? fetchFromKernel(model).then((text) => (page[SLOT] ??= importText(text)));
}

/**
 * Evaluate the hidden widget's source if the page has no front end yet. Free the source: a page
 * that restarts its kernel keeps all widgets.
 */
async function importFromWidget(model: AnyModel): Promise<void> {
  try {
    // biome-ignore lint/suspicious/noExplicitAny: each host has a manager of its own
    const widget = await (model.widget_manager as any).get_model(model.get("front_end"));
    const source = widget.get("source");
    if (source) {
      page[SLOT] ??= unpacked(source)
        .catch(() => fetchFromKernel(model)) // an old browser cannot unpack
        .then((text) => importText<FrontEnd>(text));
    }
    widget.set("source", "");
  } catch {
    // The hidden widget cannot be reached.
  }
}

/** Return the text of bytes that are packed with gzip. */
async function unpacked(bytes: DataView<ArrayBuffer>): Promise<string> {
  const text = new Response(bytes).body?.pipeThrough(new DecompressionStream("gzip"));
  return new Response(text).text();
}

/**
 * Ask the kernel for the text, page after page and as long as it takes. Its channel is described in
 * nbagent/pump.
 */
function fetchFromKernel(model: AnyModel): Promise<string> {
  return new Promise((resolve) => {
    // Characters as Python counts them.
    const text: string[] = [];
    const ask = () => model.send({ t: "need", name: NAME, at: text.length } satisfies NeedMessage);
    const timer = setInterval(ask, ANSWER_TIMEOUT_MS);
    const receive = (part: Partial<PartMessage>) => {
      if (part.name !== NAME || part.at !== text.length || !part.text) return;
      text.push(...part.text);
      if (text.length < (part.size ?? 0)) return ask();
      clearInterval(timer);
      model.off("msg:custom", receive);
      resolve(text.join(""));
    };
    model.on("msg:custom", receive);
    ask();
  });
}

/** anywidget calls this for each widget. */
export default function load(): AnyWidget {
  let started: Promise<{ widget: FrontEnd["default"]; dispose: () => void }>;
  return {
    /** Return at once: anywidget gives a model two seconds, and its messages wait that long. */
    initialize(props) {
      const { model } = props;
      // The kernel sends each message once: those that come before the front end are kept for it.
      const early: unknown[] = [];
      const keep = (message: unknown) => early.push(message);
      model.on("msg:custom", keep);
      started = loadFrontEnd(model).then(({ default: widget }) => {
        model.off("msg:custom", keep);
        return { widget, dispose: widget.initialize({ ...props, early }) };
      });
      started.catch(() => {});
      return () => started.then(({ dispose }) => dispose());
    },
    async render(props) {
      return (await started).widget.render(props);
    },
  };
}
