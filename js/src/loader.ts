/**
 * The script of each run's widget: waits for the page's front end and hands the widget over to it.
 *
 * The front end (index.tsx) is evaluated once in a page, however many runs and kernels it shows: anywidget evaluates the script
 * of every widget anew, and a browser never frees a module. Its text is in the kernel's hidden widget (`FrontEnd` in
 * nbagent/notebook/front_end.py), which the page has before the first run's; only where that cannot be reached, as in a front
 * end that gives each output a page of its own, the run's kernel is asked for it.
 */

import type { AnyModel, AnyWidget, InitializeProps, RenderProps } from "@anywidget/types";

/** Hash of the front end's text: kernels with different versions of nbagent may share a page. */
declare const NBAGENT_FRONT_END: string;

/** A module whose default export is a widget; synchronous, as index.tsx is. */
interface FrontEnd {
  default: { initialize(props: InitializeProps): () => void; render(props: RenderProps): () => void };
}

interface Page {
  at: number;
  text?: string;
  size?: number;
}

const SLOT = Symbol.for(`nbagent.${NBAGENT_FRONT_END}`);
const NAME = "widget.js";
/** How long a kernel may take to answer before it is asked again. */
const ANSWER_MS = 4000;
const TRIES = 5;

function frontEnd(model: AnyModel): Promise<FrontEnd> {
  const page = globalThis as { [SLOT]?: Promise<FrontEnd> | undefined };
  // The widget that asked may have lost its kernel before it was answered.
  if (page[SLOT]) return page[SLOT].catch(() => frontEnd(model));
  const loading = hiddenWidget(model)
    .then((widget) => widget.get("source"))
    .catch(() => "")
    .then((text) => text || fromKernel(model))
    .then(importText);
  page[SLOT] = loading;
  loading.catch(() => {
    page[SLOT] = undefined;
  });
  return loading;
}

// biome-ignore lint/suspicious/noExplicitAny: each host has a manager of its own
async function hiddenWidget(model: AnyModel): Promise<any> {
  return (model.widget_manager as { get_model(id: string): unknown }).get_model(model.get("front_end"));
}

/** Free the hidden widget's copy of the text. A page that restarts its kernel keeps the widgets of each. */
async function freeText(model: AnyModel): Promise<void> {
  (await hiddenWidget(model)).set("source", "");
}

async function fromKernel(model: AnyModel): Promise<string> {
  const characters: string[] = [];
  for (let size = 1; characters.length < size; ) {
    const page = await ask(model, characters.length);
    if (!page.text) throw new Error("nbagent: the kernel has no front end");
    // The kernel counts characters as Python does.
    characters.push(...page.text);
    size = page.size ?? 0;
  }
  return characters.join("");
}

function ask(model: AnyModel, at: number): Promise<Page> {
  return new Promise((resolve, reject) => {
    let tries = 0;
    let timer: ReturnType<typeof setTimeout>;
    const end = () => {
      clearTimeout(timer);
      model.off("msg:custom", receive);
    };
    const receive = (message: { t?: string; name?: string } & Page) => {
      if (message?.t !== "part" || message.name !== NAME || message.at !== at) return;
      end();
      resolve(message);
    };
    const send = () => {
      if (tries++ === TRIES) {
        end();
        reject(new Error("nbagent: no answer from the kernel"));
        return;
      }
      timer = setTimeout(send, ANSWER_MS);
      model.send({ t: "need", name: NAME, at });
    };
    model.on("msg:custom", receive);
    send();
  });
}

async function importText(text: string): Promise<FrontEnd> {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return await import(/* @vite-ignore */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The model with another `on`. A host's model may be of any class. */
function withOn(model: AnyModel, on: AnyModel["on"]): AnyModel {
  return new Proxy(model, {
    get(_, name: keyof AnyModel) {
      if (name === "on") return on;
      const value = model[name];
      return typeof value === "function" ? value.bind(model) : value;
    },
  });
}

/** anywidget calls this for each widget. */
export default function load(): AnyWidget {
  let started: Promise<{ widget: FrontEnd["default"]; dispose: () => void }>;
  return {
    /** Returns at once: anywidget gives a model two seconds, and its messages wait that long. */
    initialize(props) {
      const { model } = props;
      // A kernel that is busy sends a message once: those that come before the front end are kept for it.
      const early: unknown[] = [];
      const keep = (message: unknown) => early.push(message);
      model.on("msg:custom", keep);
      started = frontEnd(model).then(({ default: widget }) => {
        freeText(model).catch(() => {});
        model.off("msg:custom", keep);
        const listeners: ((message: unknown, buffers: DataView[]) => void)[] = [];
        const on: AnyModel["on"] = (event: string, callback: never) => {
          model.on(event, callback);
          if (event === "msg:custom") listeners.push(callback);
        };
        const dispose = widget.initialize({ ...props, model: withOn(model, on) });
        for (const message of early) for (const listener of listeners) listener(message, []);
        return { widget, dispose };
      });
      started.catch(() => {});
      return () => started.then(({ dispose }) => dispose());
    },
    async render(props) {
      return (await started).widget.render(props);
    },
  };
}
