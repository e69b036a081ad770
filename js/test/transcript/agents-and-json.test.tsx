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
    ["set", "a", { status: "completed", ended: 2, usage: { input: 1200, output: 30, total: 1230 } }],
    ["close", "a"],
  );
  await settle();
  expect(page.el.querySelector(".nb-agent")?.textContent).toContain("1,200 in · 30 out");
});

it("an answer in JSON is no Markdown while it is written, and a tree when it is complete", async () => {
  page.ops(["open", "t", "run", { kind: "text", text: "", text_kind: "json" }], ["append", "t", "text", '{"a": "*b* ']);
  await settle();
  expect(page.el.querySelector(".nb-message .nb-writing")?.textContent).toBe('{"a": "*b* ');
  page.ops(["append", "t", "text", '`c`"}'], ["close", "t"]);
  await settle();
  expect(page.el.querySelector(".nb-writing")).toBeNull();
  expect(page.el.querySelector(".nb-message em, .nb-message code")).toBeNull();
  expect(page.el.querySelector(".nb-message")?.textContent).toContain("*b* `c`");
});

it("an answer in JSON that was cut off stays as it was written", async () => {
  page.ops(["open", "t", "run", { kind: "text", text: '{"a": 1', text_kind: "json" }], ["close", "t"]);
  await settle();
  expect(page.el.querySelector(".nb-message pre")?.textContent).toBe('{"a": 1');
});
