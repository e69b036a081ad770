/** Breakpoints: the controls at a stop, what they send, and where breakpoints are set. */

import { afterEach, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/values";
import { open, ownClock, type Page, RUN, settle, tool } from "../support";
import { button, field, key, press, type } from "./support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const answering = await import("../../src/answering");
  return { loadDrawn: () => Promise.resolve(answering) };
});

ownClock();

let page: Page;
afterEach(() => page.close());

const ARGS = { year: 2024 };
const SCHEMA = { type: "object", properties: { year: { type: "integer" } }, required: ["year"] };

const question = (id: string, props: JsonObject) => [
  "open",
  `approval:${id}`,
  props.stage === "request" ? "run" : "rate",
  {
    kind: "approval",
    approval_kind: "stop",
    tool_id: "rate",
    answerable: true,
    args: ARGS,
    schema: SCHEMA,
    ...props,
  },
];

async function stopped(props: JsonObject): Promise<Page> {
  const made = open();
  made.ops(
    RUN,
    tool("rate", { state: "approval-requested", args: ARGS, args_text: '{"year": 2024}' }),
    question("s1", props),
  );
  await settle();
  return made;
}

const CALL = { stage: "call", prompt: "breakpoint" };
const RESULT = { stage: "result", prompt: "step", result: '{"rate":11.2}' };
const labels = () =>
  [...page.el.querySelectorAll(".nb-actions button")].map(({ textContent }) => textContent);
const sent = () => page.sent("answer").map(({ t: _, block: __, ...rest }) => rest);
const area = () => page.el.querySelector("textarea") as HTMLTextAreaElement;

describe("a stop before a call", () => {
  it("says why, and offers each way to go on", async () => {
    page = await stopped(CALL);
    expect(page.el.querySelector(".nb-asked")?.textContent).toBe("Stopped at a breakpoint");
    expect(page.el.querySelector(".nb-note-inline")?.textContent).toBe("Stopped");
    expect(labels()).toEqual(["Run", "Run, then stop", "Give a result…", "Fail…", "Stop the run"]);
    await press(page, "Run");
    key(page.el.querySelector(".nb-question") as Element, "F10");
    expect(sent()).toEqual([{ decision: "approve" }]);
  });

  it("runs with changed arguments", async () => {
    page = await stopped(CALL);
    await type(field(page, "year"), "2023");
    await press(page, "Run with changes");
    expect(sent()).toEqual([{ decision: "approve", value: '{"year": 2023}' }]);
  });

  it.each([
    ['{"rate": 12345678901234567890}', '{"rate": 12345678901234567890}'],
    ["no rate", '"no rate"'],
    ["", '""'],
  ])("is given the result %j, which is text if it is no JSON", async (typed, value) => {
    page = await stopped(CALL);
    await press(page, "Give a result…");
    expect(document.activeElement).toBe(area());
    await type(area(), typed);
    await press(page, "Give this result");
    expect(sent()).toEqual([{ decision: "result", value }]);
  });

  it("fails with a message; Escape goes back", async () => {
    page = await stopped(CALL);
    await press(page, "Fail…");
    key(document.activeElement as Element, "Escape");
    await settle();
    expect(document.activeElement).toBe(button(page, "Fail…"));
    await press(page, "Fail…");
    await type(document.activeElement as HTMLInputElement, "down");
    await press(page, "Fail");
    expect(sent()).toEqual([{ decision: "error", reason: "down" }]);
  });

  it("that needs permission too may be denied, or allowed for good", async () => {
    page = await stopped({ ...CALL, can_remember: true });
    expect(labels()).toContain("Allow always");
    await press(page, "Deny…");
    await press(page, "Deny");
    expect(sent()).toEqual([{ decision: "deny" }]);
  });

  it("stops the run", async () => {
    page = await stopped(CALL);
    await press(page, "Stop the run");
    expect(page.sent("stop")).toHaveLength(1);
  });
});

describe("a stop at a result", () => {
  it("shows the result as whole", async () => {
    const made = open();
    made.ops(
      RUN,
      tool("rate", { state: "approval-requested", result: { "text/plain": "11.2" } }),
      question("s1", RESULT),
    );
    await settle();
    page = made;
    expect(
      [...page.el.querySelectorAll(".nb-caption")].map(({ textContent }) => textContent),
    ).toContain("Result");
  });

  it("offers the result, which may be changed; one left alone is the call's own", async () => {
    page = await stopped(RESULT);
    expect(labels()).toEqual([
      "Continue",
      "Run again",
      "Change the result…",
      "Fail…",
      "Stop the run",
    ]);
    await press(page, "Change the result…");
    expect(area().value).toBe('{"rate": 11.2}');
    await press(page, "Use this result");
    expect(sent()).toEqual([{ decision: "approve" }]);
  });

  it("asks about a text that begins as JSON does and is none", async () => {
    page = await stopped(RESULT);
    await press(page, "Change the result…");
    await type(area(), '{"rate": 12');
    await press(page, "Use this result");
    expect(sent()).toEqual([]);
    expect(page.el.querySelector(".nb-problem")?.textContent).toContain("This begins as JSON does");
    await type(area(), "twelve");
    await press(page, "Use this result");
    expect(sent()).toEqual([{ decision: "result", value: '"twelve"' }]);
  });

  it("takes a changed one", async () => {
    page = await stopped(RESULT);
    await press(page, "Change the result…");
    await type(area(), '{"rate": 12}');
    key(area(), "Enter", { ctrlKey: true });
    await settle();
    expect(sent()).toEqual([{ decision: "result", value: '{"rate": 12}' }]);
  });

  it("runs the call again, also with other arguments", async () => {
    page = await stopped(RESULT);
    await type(field(page, "year"), "2023");
    await press(page, "Run again with changes");
    expect(sent()).toEqual([{ decision: "again", value: '{"year": 2023}' }]);
  });
});

it("a stop before a request goes on, or ends the run", async () => {
  page = await stopped({
    stage: "request",
    prompt: "request 2 to demo, with 1 tool",
    tool_id: null,
    args: null,
  });
  expect(page.el.querySelector(".nb-asked")?.textContent).toBe(
    "Stopped before request 2 to demo, with 1 tool",
  );
  expect(labels()).toEqual(["Continue", "Stop the run"]);
});

it("a reader steps by keys alone, and past decisions are lines in order", async () => {
  page = await stopped(CALL);
  const first = page.el.querySelector<HTMLElement>(".nb-question");
  first?.focus();
  key(first as Element, "F10");
  page.ops(
    ["set", "approval:s1", { decision: "step" }],
    ["close", "approval:s1"],
    ["set", "rate", { result: { "application/json": { rate: 11.2 } } }],
    question("s2", RESULT),
  );
  await settle();
  const [done, now] = page.el.querySelectorAll<HTMLElement>(".nb-question");
  expect(done?.textContent).toBe("Run, then stopped · Stopped at a breakpoint");
  expect(done?.querySelector(".nb-icon-check")).not.toBeNull();
  expect(document.activeElement).toBe(now);
  key(now as Element, "F8");
  expect(sent()).toEqual([{ decision: "step" }, { decision: "approve" }]);
});

it("goes on by a key after a click on the breakpoint's dot", async () => {
  page = await stopped(CALL);
  page.ops(["set", "run", { can_stop: true, stop_at: ["rate"] }]);
  await settle();
  const dot = button(page, "Stop before each call of rate");
  dot.focus();
  key(dot, "Enter");
  expect(sent()).toEqual([]);
  key(dot, "F8");
  expect(sent()).toEqual([{ decision: "approve" }]);
});

it("a key goes on at one question only", async () => {
  page = await stopped(CALL);
  page.ops(tool("other", { state: "approval-requested" }), [
    "open",
    "approval:s2",
    "other",
    { kind: "approval", approval_kind: "stop", tool_id: "other", answerable: true, ...CALL },
  ]);
  await settle();
  const second = page.el.querySelectorAll(".nb-question")[1];
  key(second as Element, "F8");
  expect(page.sent("answer").map(({ block }) => block)).toEqual(["approval:s2"]);
  key(page.el.querySelector(".nb-frame") as Element, "F8");
  expect(page.sent("answer").map(({ block }) => block)).toEqual(["approval:s2", "approval:s1"]);
});

describe("breakpoints of a run that goes on", () => {
  const run = (props: JsonObject) => page.ops(["set", "run", props]);

  it("are set and cleared at a tool's row, once code asks for them", async () => {
    page = open();
    page.ops(RUN, tool("rate"));
    await settle();
    expect(page.el.querySelector(".nb-breakpoint")).toBeNull();
    run({ can_stop: true, stop_at: [] });
    await settle();
    const dot = () => button(page, "Stop before each call of rate");
    expect(dot().getAttribute("aria-pressed")).toBe("false");
    dot().click();
    run({ stop_at: ["rate"] });
    await settle();
    expect(dot().getAttribute("aria-pressed")).toBe("true");
    dot().click();
    expect(page.sent("break")).toEqual([
      { t: "break", tool: "rate", set: true },
      { t: "break", tool: "rate", set: false },
    ]);
    run({ stop_at: ["*"] });
    await settle();
    button(page, "Stop before each call of every tool").click();
    expect(page.sent("break").at(-1)).toEqual({ t: "break", tool: "*", set: false });
    page.ops(["set", "run", { status: "completed" }], ["close", "run"]);
    await settle();
    expect(page.el.querySelector(".nb-breakpoint")).toBeNull();
  });

  it("are all calls and requests while Step is on", async () => {
    page = open();
    page.ops(RUN, ["set", "run", { can_stop: true, step: false }]);
    await settle();
    await press(page, "Step");
    run({ step: true });
    await settle();
    expect(button(page, "Step").getAttribute("aria-pressed")).toBe("true");
    await press(page, "Step");
    expect(page.sent("step")).toEqual([
      { t: "step", on: true },
      { t: "step", on: false },
    ]);
  });
});
