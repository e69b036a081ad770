/**
 * The script of each run's widget: it gets the page's front end once, from wherever it can be had.
 */

import { DecompressionStream } from "node:stream/web";
import { gzipSync } from "node:zlib";
import type { AnyModel, AnyWidget, InitializeProps } from "@anywidget/types";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LocalModel } from "./preview/model.js";

const SLOT = Symbol.for("nbagent.test");
const page = globalThis as { [SLOT]?: unknown; evaluated?: number; received?: unknown[] };
/** A front end that counts how often it is evaluated, and keeps what its widgets receive. */
const SOURCE = `globalThis.evaluated = (globalThis.evaluated ?? 0) + 1;
export default {
  initialize({ model, early }) {
    const receive = (message) => (globalThis.received ??= []).push(message);
    early.forEach(receive);
    model.on("msg:custom", receive);
    return () => model.off("msg:custom", receive);
  },
  render({ model, el }) { el.textContent = "drawn " + model.get("run_id"); return () => {}; },
};`;

const PACKED = new DataView(new Uint8Array(gzipSync(SOURCE)).buffer);

let load: () => AnyWidget;

beforeEach(async () => {
  vi.stubGlobal("NBAGENT_FRONT_END", "test");
  vi.stubGlobal("DecompressionStream", DecompressionStream); // jsdom has none
  // Neither jsdom nor Node imports blobs.
  vi.stubGlobal(
    "Blob",
    class {
      constructor(readonly parts: string[]) {}
    },
  );
  URL.createObjectURL = (blob) =>
    `data:text/javascript,${encodeURIComponent((blob as unknown as { parts: string[] }).parts.join(""))}//${Math.random()}`;
  URL.revokeObjectURL = () => {};
  vi.resetModules();
  ({ default: load } = await import("../src/loader"));
});
afterEach(() => {
  delete page[SLOT];
  delete page.evaluated;
  delete page.received;
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** The state of the kernel's hidden widget, and a manager that has it. */
function hidden(source: DataView | "" = PACKED) {
  const widget = new LocalModel({ source });
  const get_model = vi.fn(async () => widget);
  return { widget, manager: { get_model } };
}

function start(manager: unknown, onSend?: (message: unknown, model: LocalModel) => void) {
  const model = new LocalModel({ run_id: "run-1", front_end: "f" }, onSend);
  model.widget_manager = manager as undefined;
  const widget = load() as Exclude<AnyWidget, () => unknown>;
  const props = { model: model as unknown as AnyModel } as InitializeProps;
  const dispose = widget.initialize?.(props) as () => Promise<void>;
  const draw = async () => {
    const el = document.createElement("div");
    await widget.render?.({ ...props, el } as never);
    return el.textContent;
  };
  return { model, draw, dispose };
}

it("is evaluated once, whatever the number of widgets and hidden widgets, and no copy of its text is kept", async () => {
  const first = hidden();
  const second = hidden();
  const runs = [start(first.manager), start(first.manager), start(second.manager)];
  for (const run of runs) expect(await run.draw()).toBe("drawn run-1");
  expect(page.evaluated).toBe(1);
  expect([first.widget.get("source"), second.widget.get("source")]).toEqual(["", ""]);
});

it("hears the messages that came before it, in their order and once", async () => {
  const run = start(hidden().manager);
  run.model.receive({ seq: 1 });
  run.model.receive({ seq: 2 });
  await run.draw();
  run.model.receive({ seq: 3 });
  expect(page.received).toEqual([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
  await run.dispose();
  expect(run.model.handlerCount).toBe(0);
});

const PAGE = 100;

/** A kernel that answers as the channel does: a page at a time, counted in code points. */
function answer(asked: unknown, model: LocalModel): void {
  const message = asked as { t: string; name: string; at: number };
  const characters = [...`/* 😀 */ ${SOURCE}`];
  const text = characters.slice(message.at, message.at + PAGE).join("");
  model.receive({ t: "part", name: "other.js", at: message.at, text: "not this", size: 8 });
  model.receive({ t: "part", name: message.name, at: message.at, text, size: characters.length });
}

it.each([
  ["there is no manager", undefined],
  [
    "the manager does not know the hidden widget",
    { get_model: () => Promise.reject(new Error("not found")) },
  ],
  ["the hidden widget's source is gone", hidden("").manager],
  ["it cannot be unpacked", hidden(new DataView(new ArrayBuffer(8))).manager],
])("is asked of the kernel where %s", async (_, manager) => {
  const run = start(manager, answer);
  expect(await run.draw()).toBe("drawn run-1");
  expect(run.model.sent.length).toBeGreaterThan(2);
  expect(run.model.sent[1]).toEqual({ t: "need", name: "widget.js", at: PAGE });
});

it("is asked for again where the kernel does not answer, and of each widget's own kernel", async () => {
  vi.useFakeTimers();
  const mute = start(undefined);
  await vi.advanceTimersByTimeAsync(9000);
  expect(mute.model.sent).toHaveLength(3);
  expect(await start(undefined, answer).draw()).toBe("drawn run-1");
  mute.model.onSend = answer;
  await vi.advanceTimersByTimeAsync(4000);
  expect(await mute.draw()).toBe("drawn run-1");
  expect(page.evaluated).toBe(1);
});
