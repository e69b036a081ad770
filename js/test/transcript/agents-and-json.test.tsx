/** Agents with their tokens, and answers in JSON. */

import { afterEach, beforeEach, expect, it } from "vitest";
import { open, ownClock, type Page, RUN, settle } from "../support";

ownClock();

let page: Page;
beforeEach(() => {
  page = open();
  page.ops(RUN);
});
afterEach(() => page.close());

it("an agent that has ended says its tokens", async () => {
  page.ops(
    ["open", "a", "run", { kind: "agent", name: "helper", status: "running", started: 1 }],
    [
      "set",
      "a",
      { status: "completed", ended: 2, usage: { input: 1200, output: 30, total: 1230 } },
    ],
    ["close", "a"],
  );
  await settle();
  expect(page.el.querySelector(".nb-agent")?.textContent).toContain("1,200 in30 out");
});

it("an agent ends in the words of the header, in its colour, and shows failed calls", async () => {
  const lane = (id: string) => [
    "open",
    id,
    "run",
    { kind: "agent", name: id, status: "running", started: 1 },
  ];
  page.ops(["set", "run", { lanes: 3 }], lane("a"), lane("b"), lane("c"));
  page.ops(
    ["set", "a", { status: "incomplete", code: "length", last_output: 12, ended: 2 }],
    ["close", "a"],
  );
  page.ops(["set", "b", { status: "failed", ended: 2 }], ["close", "b"]);
  page.ops(
    ["set", "c", { status: "completed", ended: 2, tools: 3, tools_failed: 1 }],
    ["close", "c"],
  );
  page.ops(["set", "run", { tools: 3, tools_failed: 1 }]);
  await settle();
  const notes = [...page.el.querySelectorAll(".nb-agent .nb-note-inline")].map((note) => [
    note.className,
    note.textContent,
  ]);
  expect(notes).toEqual([
    ["nb-note-inline nb-ask", "Cut off at 12 tokens (max_tokens)"],
    ["nb-note-inline nb-bad", "Failed"],
    ["nb-note-inline nb-ask", "1 tool call failed"],
  ]);
  expect(page.el.querySelector(".nb-lane-count")?.textContent).toBe("3 / 3, 1 cut off, 1 failed");
  expect(page.el.querySelector(".nb-head .nb-failed-calls")?.textContent).toBe(
    "1 tool call failed",
  );
});

it("the clock of a call and of its agents stands while its reader is asked, and goes on without that time", async () => {
  const now = Date.now() / 1000;
  const started = now - 70;
  page.ops([
    "open",
    "a",
    "run",
    { kind: "agent", name: "helper", status: "running", started, waits_since: now - 65 },
  ]);
  await settle();
  const time = () => page.el.querySelector(".nb-agent .nb-time")?.textContent;
  expect(time()).toBe("5.0s");
  page.ops(["set", "a", { waits_since: null, waited: 60 }]);
  await settle();
  expect(time()).toBe("10s");
  page.ops(["set", "a", { ended: now + 1, status: "completed" }], ["close", "a"]);
  await settle();
  expect(time()).toBe("11s");
});

it("each agent says that it waits for its model, until its first token and after a call", async () => {
  const now = Date.now() / 1000;
  page.ops([
    "open",
    "a",
    "run",
    { kind: "agent", name: "row 1", status: "running", started: now - 3.5 },
  ]);
  await settle();
  const waiting = () => page.el.querySelector(".nb-agent .nb-waiting")?.textContent;
  expect(waiting()).toBe("Waiting for row 1… 3s");
  page.ops([
    "open",
    "c",
    "a",
    { kind: "tool", name: "f", state: "input-available", started: now - 3 },
  ]);
  await settle();
  expect(waiting()).toBeUndefined();
  page.ops(["set", "c", { state: "output-available", ended: now - 0.2 }], ["close", "c"]);
  await settle();
  expect(waiting()).toBeUndefined();
  page.ops(["set", "c", { ended: now - 2.5 }]);
  await settle();
  expect(waiting()).toBe("Waiting for row 1… 2s");
  page.ops(["open", "t", "a", { kind: "text", text: "an answer" }], ["close", "t"]);
  await settle();
  expect(waiting()).toBeUndefined();
});

it("an answer in JSON is no Markdown while it is written, and a tree when it is complete", async () => {
  page.ops(
    ["open", "t", "run", { kind: "text", text: "", text_kind: "json" }],
    ["append", "t", "text", '{"a": "*b* '],
  );
  await settle();
  expect(page.el.querySelector(".nb-message .nb-writing")?.textContent).toBe('{"a": "*b* ');
  page.ops(["append", "t", "text", '`c`"}'], ["close", "t"]);
  await settle();
  expect(page.el.querySelector(".nb-writing")).toBeNull();
  expect(page.el.querySelector(".nb-message em, .nb-message code")).toBeNull();
  expect(page.el.querySelector(".nb-message")?.textContent).toContain("*b* `c`");
});

it("an answer in JSON that was cut off stays as it was written", async () => {
  page.ops(
    ["open", "t", "run", { kind: "text", text: '{"a": 1', text_kind: "json" }],
    ["close", "t"],
  );
  await settle();
  expect(page.el.querySelector(".nb-message pre")?.textContent).toBe('{"a": 1');
});
