/** The inspector: events, detail, timeline, copies. */

import { signal } from "@preact/signals";
import { render } from "preact";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Inspector } from "../../src/inspector";
import type { Session } from "../../src/session";
import type { Inspecting } from "../../src/transcript/inspecting";
import { Result } from "../../src/transcript/result";
import { open, ownClock, RUN, settle, tool } from "../support";
import { inspectedSession } from "./support";

ownClock();

const EVENTS = [
  [1, 1, "run.start", '"analyst"'],
  [2, 1.5, "tool.start", '"load"'],
  [3, 2, "text.delta", '"a <b>bold</b> word"'],
];
const TIMELINE = {
  start: 1,
  end: 5,
  first_token: 1.5,
  gaps: [[2, 4]],
  gap_count: 1,
  gap_seconds: 2,
  steps: 0,
  total: 1,
  to: 1,
  bars: [{ kind: "tool", label: "load", start: 1, end: 3, status: "error", block: "tool-1" }],
  seen: 3,
  count: 3,
};

let asked: string[];
let session: Session;
let root: HTMLElement;
const inspecting = signal<Inspecting | null>(null);
let deliver: (raw: unknown) => void = () => {};

/** The kernel's answer. */
function answer(name: string): string {
  if (name.startsWith("events/")) {
    const { type, at } = JSON.parse(name.slice("events/".length));
    const found = EVENTS.filter((row) => type === "" || row[2] === type);
    const [rows, total] = [found.slice(at), found.length];
    return JSON.stringify({
      rows,
      total,
      seen: 3,
      count: 3,
      types: { "run.start": 1, "text.delta": 1 },
    });
  }
  if (name === "event/3") return '{"type":"text.delta","delta":"a <b>bold</b> word"}';
  if (name === "timeline") return JSON.stringify(TIMELINE);
  return "# analyst";
}

beforeEach(async () => {
  ({ session, asked, deliver } = inspectedSession(
    (name) => {
      const text = answer(name);
      return { text, size: text.length };
    },
    { head: { name: "analyst", status: "completed", started: 1, events: 3, first_token: 0.5 } },
  ));
  root = document.createElement("div");
  document.body.append(root);
  inspecting.value = { page: "events", block: null };
  render(<Inspector session={session} inspecting={inspecting} Result={Result} />, root);
  // Nothing has a height here: the list is given one.
  Object.defineProperty(HTMLElement.prototype, "clientHeight", { configurable: true, value: 240 });
  await settle();
});
afterEach(() => {
  render(null, root);
  session.dispose();
  root.remove();
  Reflect.deleteProperty(HTMLElement.prototype, "clientHeight");
});

const rows = () => [...root.querySelectorAll(".nb-event-row")];
const press = (key: string) =>
  root
    .querySelector("[role=listbox]")
    ?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

it("lists the events with their number, time, type and summary, as text", () => {
  expect(rows().map((row) => [...row.children].map((cell) => cell.textContent))).toEqual([
    ["1", "+0.000s", "run.start", '"analyst"'],
    ["2", "+0.500s", "tool.start", '"load"'],
    ["3", "+1.000s", "text.delta", '"a <b>bold</b> word"'],
  ]);
  expect(root.querySelector("b")).toBeNull();
  expect(root.querySelector(".nb-filters")?.textContent).toContain("3 events");
});

it("asks the kernel anew for another type", async () => {
  const select = root.querySelector("select") as HTMLSelectElement;
  select.value = "text.delta";
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await settle(500);
  expect(rows()).toHaveLength(1);
  expect(root.querySelector(".nb-filters")?.textContent).toContain("1 of 3 events");
});

it("folds deltas, until the reader asks for each", async () => {
  expect(asked.at(-1)).toContain('"type":"","text":"","block":"","kind":"","fold":true');
  const select = root.querySelector("select") as HTMLSelectElement;
  select.value = "*";
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await settle(500);
  expect(asked.at(-1)).toContain('"type":"*","text":"","block":"","kind":"","fold":false');
  expect(root.querySelector(".nb-filters")?.textContent).toContain("3 events");
});

it("asks the kernel for a text when the reader has stopped typing", async () => {
  const input = root.querySelector("input[type=search]") as HTMLInputElement;
  const before = asked.length;
  for (const text of ["w", "wo", "wor"]) {
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await settle(50);
  }
  await settle(500);
  expect(asked.slice(before)).toEqual([
    'events/{"type":"","text":"wor","block":"","kind":"","fold":false,"at":0}',
  ]);
});

it("opens an event by click and by key, and closes it", async () => {
  press("End");
  await settle();
  expect(root.querySelector(".nb-event")?.textContent).toContain('"a <b>bold</b> word"');
  expect(root.querySelector("[aria-selected=true].nb-event-row")?.textContent).toContain(
    "text.delta",
  );
  press("Escape");
  await settle();
  expect(root.querySelector(".nb-event")).toBeNull();
  (rows()[2] as HTMLElement).click();
  await settle();
  expect(root.querySelector(".nb-event-head")?.textContent).toContain("#3 +1.000s");
});

it("copies an event, and the run in every form", async () => {
  const written: string[] = [];
  vi.stubGlobal("navigator", {
    clipboard: { writeText: async (text: string) => void written.push(text) },
  });
  press("End");
  await settle();
  for (const label of ["Markdown", "Copy"]) {
    const button = [...root.querySelectorAll("button")].find((one) => one.textContent === label);
    button?.click();
    await settle();
  }
  vi.unstubAllGlobals();
  expect(asked).toContain("copy/markdown");
  expect(written).toEqual([
    "# analyst",
    '{\n  "type": "text.delta",\n  "delta": "a <b>bold</b> word"\n}',
  ]);
});

it("asks for what came since when the kernel tells that there is more", async () => {
  const before = asked.length;
  deliver({ t: "ops", seq: 1, now: 1, ops: [RUN, ["set", "run", { events: 4 }]] });
  await settle();
  expect(asked.length).toBeGreaterThan(before);
});

it("draws the timeline, and leads from a bar to its events", async () => {
  [...root.querySelectorAll<HTMLElement>("[role=tab]")]
    .find((tab) => tab.textContent === "Timeline")
    ?.click();
  await settle();
  expect(root.querySelector(".nb-timeline-summary")?.textContent).toBe(
    "4.0s · first token 0.5s · 1 gap of more than 1s, 2.0s in all",
  );
  const bar = root.querySelector<HTMLElement>("button.nb-bar-row");
  expect(bar?.textContent).toContain("error, from <0.1s to 2.0s");
  bar?.click();
  await settle();
  expect(asked[asked.length - 1]).toContain('"block":"tool-1","kind":"tool"');
  expect(root.querySelector(".nb-chip")?.textContent).toContain("of load");
});

it("a view opens it with the header's button and with that of a block, and keeps its transcript", async () => {
  const page = open();
  page.ops(RUN, tool("load", { user_open: true }));
  await settle();
  const inspect = page.el.querySelector<HTMLElement>("[aria-label=Inspect]");
  inspect?.click();
  await settle();
  expect(inspect?.getAttribute("aria-pressed")).toBe("true");
  expect(page.sent("need").map(({ name }) => name)).toEqual(["inspector.js"]);
  page.el.querySelector<HTMLElement>(".nb-events-of")?.click();
  await settle();
  expect(page.el.querySelector("[role=log]")?.closest("[hidden]")).not.toBeNull();
  inspect?.click();
  await settle();
  expect(page.el.querySelector("[role=log]")?.closest("[hidden]")).toBeNull();
  page.close();
});

it("offers to keep a run as a test where its agent is nbagent's own", async () => {
  for (const [seq, can_keep] of [false, true].entries()) {
    const props = { kind: "run", status: "completed", can_fork: true, can_keep };
    const ops = [seq === 0 ? ["open", "run", null, props] : ["set", "run", { can_keep }]];
    deliver({ t: "ops", seq: seq + 1, now: 1, ops });
    await settle();
    expect(root.textContent?.includes("Keep as test")).toBe(can_keep);
  }
});
