/** A run at a breakpoint: what is offered at each stage, and what is sent. */

import { afterEach, describe, expect, it, vi } from "vitest";
import { resultJson, writtenResult } from "../../src/answering/stop-way";
import { open, ownClock, type Page, settle, tool } from "../support";
import { ask, askFor, button, field, key, press, SQL, type } from "./support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const answering = await import("../../src/answering");
  return { loadDrawn: () => Promise.resolve(answering) };
});

ownClock();

let page: Page;
afterEach(() => page.close());

const ARGS = '{"query": "a"}';
const AT_CALL = { approval_kind: "stop", stage: "call", prompt: "breakpoint", schema: SQL };
const AT_RESULT = { approval_kind: "stop", stage: "result", prompt: "error", schema: SQL, result: { rows: 3 } };
const labels = () => [...page.el.querySelectorAll(".nb-answering button")].map(({ textContent }) => textContent);
const sent = (more: object) => [{ t: "answer", block: "approval:sql", ...more }];

async function give(text: string): Promise<void> {
  const editor = page.el.querySelector<HTMLTextAreaElement>(".nb-control textarea");
  if (editor) await type(editor, text);
  await press(page, "Give this result");
}

describe("before a call", () => {
  it("offers to run it, with other arguments too, or to give its result or its error", async () => {
    page = await ask(ARGS, AT_CALL);
    expect(page.el.querySelector(".nb-asked")?.textContent).toBe("Stopped at a breakpoint");
    expect(labels()).toEqual(["Run", "Run, then stop", "Give a result…", "Fail…", "Edit…"]);
    await press(page, "Run");
    expect(page.sent("answer")).toEqual(sent({ decision: "approve" }));
  });

  it("runs with changed arguments, and stops at the result if asked", async () => {
    page = await ask(ARGS, AT_CALL);
    await press(page, "Edit…");
    await type(field(page, "query"), "b");
    expect(labels().slice(-3)).toEqual(["Run with changes", "Run, then stop", "Discard changes"]);
    await press(page, "Run, then stop");
    expect(page.sent("answer")).toEqual(sent({ decision: "step", value: '{"query": "b"}' }));
  });

  it("takes a result that is typed", async () => {
    page = await ask(ARGS, AT_CALL);
    await press(page, "Give a result…");
    await give("three rows");
    expect(page.sent("answer")).toEqual(sent({ decision: "result", value: '"three rows"' }));
  });

  it("lets it fail with a message", async () => {
    page = await ask(ARGS, AT_CALL);
    await press(page, "Fail…");
    const message = page.el.querySelector<HTMLInputElement>(".nb-control input");
    if (message) await type(message, "no such table");
    await press(page, "Let it fail");
    expect(page.sent("answer")).toEqual(sent({ decision: "error", reason: "no such table" }));
  });

  it.each([
    ["F8", "approve"],
    ["F10", "step"],
  ])("takes the debugger's key %s", async (name, decision) => {
    page = await ask(ARGS, AT_CALL);
    key(button(page, "Run"), name);
    expect(page.sent("answer")).toEqual(sent({ decision }));
  });

  it("is a question of permission too, where the tool asks for it", async () => {
    page = await ask(ARGS, { ...AT_CALL, can_remember: true });
    expect(labels()).toContain("Allow always");
    await press(page, "Deny…");
    await press(page, "Deny");
    expect(page.sent("answer")).toEqual(sent({ decision: "deny" }));
  });
});

describe("at a result", () => {
  it("offers to go on, to change it, or to run the call again", async () => {
    page = await ask(ARGS, AT_RESULT);
    expect(labels()).toEqual(["Go on", "Run again", "Change the result…", "Fail…", "Edit and run again…"]);
    await press(page, "Change the result…");
    expect(page.el.querySelector<HTMLTextAreaElement>(".nb-control textarea")?.value).toBe('{\n  "rows": 3\n}');
    await give('{"rows": 4}');
    expect(page.sent("answer")).toEqual(sent({ decision: "result", value: '{"rows": 4}' }));
  });

  it("runs again with other arguments", async () => {
    page = await ask(ARGS, AT_RESULT);
    await press(page, "Edit and run again…");
    await type(field(page, "query"), "b");
    await press(page, "Run again");
    expect(page.sent("answer")).toEqual(sent({ decision: "again", value: '{"query": "b"}' }));
  });

  it("keeps the decisions before it as lines", async () => {
    page = await ask(ARGS, AT_CALL);
    page.ops(
      ["set", "approval:sql", { decision: "step" }],
      ["close", "approval:sql"],
      ["open", "approval:two", "sql", { kind: "approval", tool_id: "sql", answerable: true, ...AT_RESULT }],
      ["set", "sql", { state: "approval-requested" }],
    );
    await settle();
    expect(labels()[0]).toBe("Go on");
    expect(page.el.querySelector(".nb-panel-body .nb-line")?.textContent).toBe(
      "Run, to stop at the result · Stopped at a breakpoint",
    );
  });
});

it("asks before a request to the model", async () => {
  page = await askFor("stop", { stage: "request", prompt: "Request 2 to demo, with 1 tool" });
  expect(page.el.querySelector(".nb-asked")?.textContent).toBe("Stopped: Request 2 to demo, with 1 tool");
  expect(labels()).toEqual(["Go on"]);
});

describe("a breakpoint", () => {
  const RUN_THAT_STOPS = { status: "running", can_stop: true, stop_at: ["sql"], step: false };

  it("is set and cleared beside a call, while the run goes on", async () => {
    page = open();
    page.ops(["open", "run", null, { kind: "run", name: "r", started: 0, ...RUN_THAT_STOPS }], tool("sql"));
    await settle();
    const dot = () => button(page, "Stop before each call of sql");
    expect(dot().getAttribute("aria-pressed")).toBe("true");
    dot().click();
    expect(page.sent("break")).toEqual([{ t: "break", tool: "sql", set: false }]);
    page.ops(["set", "run", { stop_at: [] }]);
    await settle();
    expect(dot().getAttribute("aria-pressed")).toBe("false");
    await press(page, "Step");
    expect(page.sent("step")).toEqual([{ t: "step", on: true }]);
    page.ops(["set", "run", { status: "completed", ended: 1 }]);
    await settle();
    expect(page.el.querySelector(".nb-breakpoint, .nb-step")).toBeNull();
  });
});

it.each([
  ["three rows", '"three rows"'],
  ["12", "12"],
  ['"12"', '"12"'],
  ["[1, 2]", "[1, 2]"],
  ["", '""'],
])("reads what was typed as JSON, or else as a text: %s", (typed, json) => {
  expect(resultJson(typed)).toBe(json);
});

it.each([["a text"], ["12"], [""], [{ a: [1] }], [12], [true]])(
  "writes a result so that it is read again: %s",
  (result) => {
    expect(JSON.parse(resultJson(writtenResult(result)))).toEqual(result);
  },
);
