/** The slider over the events of a run, and the run as it was. */

import { signal } from "@preact/signals";
import { render } from "preact";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Inspector } from "../../src/inspector";
import type { Op } from "../../src/protocol";
import type { Session } from "../../src/session";
import { isKind, Store } from "../../src/store";
import type { Inspecting } from "../../src/transcript/inspecting";
import { Result } from "../../src/transcript/result";
import { ownClock, settle } from "../support";
import { inspectedSession } from "./support";

ownClock();

const ROOT: Op = [
  "open",
  "run",
  null,
  { kind: "run", name: "analyst", status: "running", started: 1 },
];
/** Tag of each event, and what it did. */
const EVENTS: [string, Op[]][] = [
  ["step.start", []],
  [
    "text.delta",
    [
      ["open", "t", "run", { kind: "text", text: "" }],
      ["append", "t", "text", "Hel"],
    ],
  ],
  ["text.delta", [["append", "t", "text", "lo"]]],
  [
    "tool.start",
    [["open", "c", "run", { kind: "tool", name: "plot", state: "input-streaming", args_text: "" }]],
  ],
  ["tool.args", [["set", "c", { args: {}, state: "input-available" }]]],
  ["approval.request", [["open", "q", "c", { kind: "approval", tool_id: "c", answerable: true }]]],
  [
    "approval.response",
    [
      ["set", "q", { decision: "approve" }],
      ["close", "q"],
    ],
  ],
  [
    "tool.result",
    [
      [
        "set",
        "c",
        { result: { "text/plain": { part: "past/8/result/c/text/plain", size: 3, head: "a" } } },
      ],
    ],
  ],
  ["text.delta", [["append", "t", "text", "!"]]],
  [
    "run.end",
    [
      ["set", "run", { status: "completed" }],
      ["close", "run"],
    ],
  ],
];
/** Events in one answer. */
const STRETCH = 3;

const ROWS = EVENTS.map(([tag], index) => [index + 1, index + 1, tag, ""]);
const BARS = [
  { kind: "tool", label: "late", start: 5, end: 8 },
  { kind: "text", label: "early", start: 2, end: 9 },
];

let events: [string, Op[]][];
let dropped: number;
let broken: boolean;
let asked: string[];
let session: Session;
let root: HTMLElement;
let deliver: (raw: unknown) => void = () => {};
let hostEvents: { gone(loss: "gone"): void } | null = null;
const inspecting = signal<Inspecting | null>(null);

function answer(name: string): { text: string; size: number } | { error: string } {
  const range = /^past\/(\d+)-(\d+)$/.exec(name);
  if (broken) return { error: "the disk is full" };
  if (name.startsWith("events/"))
    return textOf({ total: 10, seen: 10, count: 10, types: {}, rows: ROWS });
  if (name === "timeline") return textOf({ start: 1, end: 11, bars: BARS, seen: 10, count: 10 });
  if (!range)
    return {
      text: name.startsWith("past/8/") ? "abc" : "{}",
      size: name.startsWith("past/8/") ? 3 : 2,
    };
  const after = Math.max(Number(range[1]), dropped);
  const shown = events.slice(after, Math.min(Number(range[2]), after + STRETCH));
  const before = events.slice(0, after).flatMap(([, ops]) => ops);
  return textOf({
    count: events.length,
    first: after + 1,
    opening: Number(range[1]) <= dropped ? [ROOT, ...before] : [],
    tags: shown.map(([tag]) => tag),
    types: shown.map((_, index) => index),
    times: shown.map((_, index) => (index === 0 ? 1000 * (after + 2) : 1000)),
    steps: shown.map(([, ops]) => ops),
  });
}

function textOf(value: unknown): { text: string; size: number } {
  const text = JSON.stringify(value);
  return { text, size: text.length };
}

beforeEach(async () => {
  [events, dropped, broken] = [[...EVENTS], 0, false];
  ({ session, asked, deliver } = inspectedSession(answer, {
    watch: (given) => {
      hostEvents = given;
      return () => {};
    },
  }));
  const ops = EVENTS.flatMap(([, each]) => each);
  deliver({
    t: "ops",
    seq: 1,
    now: 20,
    ops: [ROOT, ...ops, ["set", "run", { events: EVENTS.length }]],
  });
  root = document.createElement("div");
  root.className = "nb-frame";
  document.body.append(root);
  inspecting.value = { page: "transcript", block: null };
  render(<Inspector session={session} inspecting={inspecting} Result={Result} />, root);
  await settle();
});
afterEach(() => {
  render(null, root);
  session.dispose();
  root.remove();
});

const slider = () => root.querySelector("input[type=range]") as HTMLInputElement;
const label = () => slider().getAttribute("aria-valuetext");
const past = () => inspecting.value?.past ?? null;
const button = (text: string) =>
  [...root.querySelectorAll("button")].find((one) => one.textContent === text);

async function goTo(...numbers: number[]): Promise<void> {
  for (const number of numbers) {
    slider().value = String(number);
    slider().dispatchEvent(new Event("input", { bubbles: true }));
  }
  await settle();
}

async function choose(tab: string): Promise<void> {
  [...root.querySelectorAll<HTMLElement>("[role=tab]")]
    .find((one) => one.textContent === tab)
    ?.click();
  await settle();
}

async function press(key: string): Promise<void> {
  slider().dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  await settle();
}

it("stands at now, and nothing is asked for, until the reader moves it", () => {
  expect([slider().value, slider().min, slider().max, label()]).toEqual([
    "10",
    "1",
    "10",
    "now, 10 events",
  ]);
  expect(past()).toBeNull();
  expect(asked).toEqual([]);
});

it("shows the transcript as it was after any event", async () => {
  for (const number of [3, 9, 1, 6, 2, 8, 5]) {
    await goTo(number);
    const wanted = new Store();
    wanted.apply([ROOT, ...EVENTS.slice(0, number).flatMap(([, ops]) => ops)]);
    expect(past()?.store.toRecords()).toEqual(wanted.toRecords());
    expect(label()).toBe(`event ${number} of 10, ${number}.0s, ${EVENTS[number - 1]?.[0]}`);
  }
  expect(asked).toEqual(["past/0-10", "past/3-10", "past/6-10", "past/9-10"]);
});

it("draws the newest position of a drag, and none in between", async () => {
  await goTo(9);
  let drawn = 0;
  past()?.store.onChange(() => {
    drawn += 1;
  });
  await goTo(8, 7, 6, 5, 4, 3);
  expect(drawn).toBe(1);
  expect(label()).toContain("event 3 of 10");
});

it("the right end is now, and so are the button and Escape", async () => {
  const leave = [() => goTo(10), () => press("Escape"), async () => button("Now")?.click()];
  for (const back of leave) {
    await goTo(4);
    expect(past()).not.toBeNull();
    await back();
    await settle();
    expect(past()).toBeNull();
    expect(label()).toBe("now, 10 events");
  }
});

it("the page keys go by step and call", async () => {
  await press("PageDown");
  expect(label()).toBe("event 5 of 10, 5.0s, tool.args");
  await press("PageDown");
  expect(label()).toContain("event 1 of 10, 1.0s, step.start");
  await press("PageDown");
  expect(label()).toContain("event 1 of 10");
  await press("PageUp");
  expect(label()).toContain("event 5 of 10");
  await press("PageUp");
  expect(label()).toBe("now, 10 events");
});

it("live updates go on behind the past, which stays where it is", async () => {
  await goTo(3);
  const before = past()?.store.toRecords();
  events.push(["text.delta", [["append", "t", "text", "?"]]]);
  deliver({
    t: "ops",
    seq: 2,
    now: 21,
    ops: [
      ["append", "t", "text", "?"],
      ["set", "run", { events: 11 }],
    ],
  });
  await settle();
  expect(session.store.toRecords()[1]?.text).toBe("Hello!?");
  expect(past()?.store.toRecords()).toEqual(before);
  expect([label(), slider().max]).toEqual(["event 3 of 11, 3.0s, text.delta", "11"]);
  await goTo(10);
  expect(past()?.store.toRecords()[1]?.text).toBe("Hello!");
});

it("the last events of a live run are there before it counts them for its views", async () => {
  events = events.slice(0, 9);
  deliver({
    t: "snapshot",
    seq: 3,
    now: 21,
    first: true,
    last: true,
    ops: [ROOT, ["set", "run", { events: 4 }]],
  });
  await settle();
  expect(label()).toBe("now, 4 events");
  slider().dispatchEvent(new Event("focus"));
  await settle();
  expect(label()).toBe("now, 9 events");
});

it("begins behind the events that are no longer kept, and says so", async () => {
  dropped = 4;
  await goTo(2);
  expect([slider().min, label()]).toEqual(["5", "event 5 of 10, 5.0s, tool.args"]);
  expect(root.textContent).toContain("The first 4 events are no longer kept.");
  expect(past()?.store.toRecords()[1]?.text).toBe("Hello");
});

it("nothing that waits for the reader in the past can be answered, and nothing there reaches the run", async () => {
  await goTo(6);
  const then = past() as Session;
  expect(
    then
      .approvalsOf("c")
      .peek()
      .map(({ id }) => id),
  ).toEqual(["q"]);
  expect(then.kernel.state.peek()).toBe("gone");
  const question = then.store.get("q");
  if (question && isKind(question, "approval"))
    then.answer(question, { decision: "deny", value: null, reason: null, remember: false });
  then.stop();
  await goTo(5);
  expect(then.approvalsOf("c").peek()).toEqual([]);
  expect(session.store.get("q")?.props.peek().decision).toBe("approve");
});

it("panels stay as the reader has them", async () => {
  const live = session.store.get("t");
  if (live) session.toggle(live, true);
  await goTo(8);
  const then = past() as Session;
  expect(then.store.get("t")?.userOpen.peek()).toBe(true);
  const call = then.store.get("c");
  if (call) then.toggle(call, false);
  await goTo(2, 3);
  await goTo(8);
  expect(then.store.get("c")?.userOpen.peek()).toBe(false);
  expect(session.store.get("c")?.userOpen.peek()).toBeNull();
});

it("a large value comes as the event has left it", async () => {
  await goTo(8);
  const then = past() as Session;
  await expect(then.channel.lazyValues.whole("past/8/result/c/text/plain")).resolves.toBe("abc");
});

it("durations of what was running end at the event", async () => {
  await goTo(5);
  expect(past()?.clock.now.peek()).toBe(6);
});

it("says why the past cannot be read, and tries again", async () => {
  broken = true;
  await goTo(3);
  expect(root.textContent).toContain("Could not load this: the disk is full.");
  broken = false;
  button("Try again")?.click();
  await settle();
  expect(label()).toBe("event 3 of 10, 3.0s, text.delta");
  expect(root.textContent).not.toContain("Could not load");
});

it("without a kernel the past is not offered, and what has been read of it stays", async () => {
  hostEvents?.gone("gone");
  await settle();
  expect(root.querySelector("input[type=range]")).toBeNull();
  expect(root.textContent).toContain("can be read from its kernel only, which cannot be reached");
});

it("the past that has been read outlives the kernel", async () => {
  await goTo(2);
  hostEvents?.gone("gone");
  await settle();
  await goTo(4);
  expect(label()).toBe("event 4 of 10, 4.0s, tool.start");
});

it("closing the inspector leads to now", async () => {
  await goTo(2);
  inspecting.value = null;
  render(null, root);
  await settle();
  expect(inspecting.value).toBeNull();
});

it("the pages follow: the event is marked and what comes later is dimmed, and an event leads to its moment", async () => {
  await goTo(3);
  await choose("Events");
  const rows = () => [...root.querySelectorAll<HTMLElement>(".nb-event-row")];
  expect(
    rows()
      .filter((row) => row.ariaCurrent === "true")
      .map((row) => row.textContent),
  ).toEqual(["3+2.000stext.delta"]);
  expect(rows().map((row) => row.matches(".nb-later"))).toEqual(
    rows().map((_, index) => index > 2),
  );
  await choose("Timeline");
  expect(root.querySelector<HTMLElement>(".nb-moment")?.style.left).toBe("30%");
  expect(root.querySelectorAll("li.nb-later")).toHaveLength(1);
  await choose("Events");
  rows()[6]?.click();
  await settle();
  button("Show this moment")?.click();
  await settle();
  expect([label(), inspecting.value?.page]).toEqual([
    "event 7 of 10, 7.0s, approval.response",
    "transcript",
  ]);
});
