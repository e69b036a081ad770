/** A widget model without a kernel, and the messages a kernel would send. */

import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, vi } from "vitest";
import widget from "../src";
import type { JsonObject } from "../src/values";
import { opening } from "./kernel";
import { LocalModel } from "./preview/model.js";

export interface Sent {
  t: string;
  [key: string]: unknown;
}

let number = 0;

export interface Page {
  model: LocalModel;
  el: HTMLElement;
  /** Plays one batch of ops. */
  ops(...ops: unknown[]): void;
  snapshot(blocks: unknown[], seq: number): void;
  sent(type: string): Sent[];
  /** Draws one more view of the same model. */
  view(): { el: HTMLElement; close: () => void };
  close(): void;
}

type Cleanup = () => void;

export function open(
  head: JsonObject = { name: "analyst", status: "running" },
  manager?: unknown,
  early: unknown[] = [],
  traits: JsonObject = {},
  isDrawn = true,
): Page {
  number += 1;
  const model = new LocalModel({
    run_id: `run-${number}`,
    dom_key: `key-${number}`,
    head,
    ...traits,
  });
  model.widget_manager = manager;
  const props = { model: model as unknown as AnyModel, signal: new AbortController().signal };
  const experimental = { invoke: () => Promise.reject(new Error("not used")) };
  const dispose = widget.initialize({ ...props, experimental, early }) as Cleanup;
  const views: Cleanup[] = [];
  const view = () => {
    const el = document.createElement("div");
    document.body.append(el);
    const close = widget.render({
      ...props,
      experimental,
      el,
      host: undefined as never,
    }) as Cleanup;
    views.push(close);
    return { el, close };
  };
  const el = isDrawn ? view().el : document.createElement("div");
  let seq = 0;
  return {
    model,
    el,
    view,
    ops: (...ops) => model.receive({ t: "ops", seq: ++seq, now: Date.now() / 1000, ops }),
    snapshot(blocks, at) {
      seq = at;
      model.receive({
        t: "snapshot",
        seq: at,
        now: Date.now() / 1000,
        first: true,
        last: true,
        ops: opening(blocks),
      });
    },
    sent: (type) => (model.sent as Sent[]).filter((message) => message.t === type),
    close() {
      for (const close of views) close();
      dispose();
      document.body.replaceChildren();
    },
  };
}

/**
 * Preact draws in a microtask and runs effects after the next frame: this is both, on the test's
 * own clock.
 */
export async function settle(ms = 120): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/**
 * Gives each test of a file a clock of its own, which starts before the first component is drawn.
 */
export function ownClock(): void {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(async () => {
    // Effects that wait for a frame must run on the clock that they were scheduled on.
    await settle();
    vi.useRealTimers();
  });
}

export const RUN = [
  "open",
  "run",
  null,
  { kind: "run", name: "analyst", status: "running", started: 1 },
];

export function tool(id: string, props: JsonObject = {}, parent = "run"): unknown[] {
  return [
    "open",
    id,
    parent,
    { kind: "tool", name: id, state: "input-streaming", args_text: "", started: 1, ...props },
  ];
}

export function rowOf(el: HTMLElement, label: string): HTMLElement {
  const rows = [...el.querySelectorAll<HTMLElement>(".nb-row")];
  const found = rows.find((row) => row.textContent?.includes(label));
  if (!found)
    throw new Error(
      `no row says "${label}"; there are: ${rows.map((row) => row.textContent).join(" | ")}`,
    );
  return found;
}
