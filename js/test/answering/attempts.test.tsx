/** A tool call is made again: what is offered, what is sent, and how the results are compared. */

import { afterEach, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/values";
import { open, ownClock, type Page, RUN, rowOf, settle, tool } from "../support";
import { button, field, press, type } from "./support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const answering = await import("../../src/answering");
  return { loadDrawn: () => Promise.resolve(answering) };
});

ownClock();

let page: Page;
afterEach(() => page.close());

const SCHEMA = { type: "object", properties: { year: { type: "integer" } }, required: ["year"] };

async function done(props: JsonObject = {}): Promise<Page> {
  const made = open({ name: "analyst", status: "completed" });
  const whole = {
    state: "output-available",
    args: { year: 2024 },
    args_text: '{"year": 2024}',
    user_open: true,
  };
  made.ops(
    RUN,
    tool("rate", { ...whole, can_rerun: true, result: { "text/plain": "11.2" }, ...props }),
    ["close", "rate"],
  );
  await settle();
  return made;
}

function attempt(props: JsonObject = {}): unknown[] {
  const made = {
    title: "Attempt 1",
    attempt_of: "rate",
    open: true,
    state: "output-available",
    args: { year: 2025 },
  };
  return tool("rate/attempt-1", { ...made, ...props }, "rate");
}

async function answerForm(once = false): Promise<void> {
  const text = JSON.stringify({ schema: SCHEMA, once });
  page.model.receive({ t: "part", name: "rerun/rate", at: 0, size: text.length, text });
  await settle();
}

const buttons = () =>
  [...page.el.querySelectorAll(".nb-again button, .nb-answering button")].map(
    (each) => each.textContent,
  );

it("runs again by one click, which is sent once", async () => {
  page = await done();
  expect(buttons()).toEqual(["Run again", "Edit and run again…"]);
  await press(page, "Run again");
  button(page, "Running…").click();
  expect(page.sent("rerun")).toEqual([{ t: "rerun", block: "rate" }]);
  page.ops(attempt({ state: "input-available" }));
  await settle();
  expect(buttons()).toEqual(["Run again", "Edit and run again…"]);
});

it("runs with other arguments, in the form of the function as it is now", async () => {
  page = await done();
  await press(page, "Edit and run again…");
  await answerForm();
  await type(field(page, "year"), "2025");
  await press(page, "Run with changes");
  expect(page.sent("rerun")).toEqual([{ t: "rerun", block: "rate", args: '{"year": 2025}' }]);
});

it("says beside the form why a wish was refused, and what must not be called twice", async () => {
  page = await done();
  await press(page, "Edit and run again…");
  await answerForm(true);
  expect(page.el.textContent).toContain("This tool is marked once");
  page.ops(["set", "rate", { problem: "parameter 'year': got 'soon'" }]);
  await settle();
  expect(page.el.querySelector(".nb-answering .nb-bad")?.textContent).toBe(
    "parameter 'year': got 'soon'",
  );
  await press(page, "Run it all the same");
  expect(page.sent("rerun")).toEqual([{ t: "rerun", block: "rate", force: true }]);
});

it("is not offered for a call that cannot be made again, that runs, or whose kernel is gone", async () => {
  page = await done({ can_rerun: undefined });
  expect(buttons()).toEqual([]);
  page.close();
  page = await done({ hidden: ["arguments"] });
  expect(buttons()).toEqual(["Run again"]);
});

it("stops an attempt that runs", async () => {
  page = await done();
  page.ops(attempt({ state: "input-available" }));
  await settle();
  await press(page, "Stop this attempt");
  expect(page.sent("stop_attempt")).toEqual([{ t: "stop_attempt", block: "rate/attempt-1" }]);
  expect(button(page, "Stopping…").getAttribute("aria-disabled")).toBe("true");
});

it.each([
  [
    {
      kind: "text",
      pieces: [
        ["=", "a "],
        ["-", "b"],
        ["+", "c", 7],
      ],
    },
    "a <del>b</del><ins>c … 7 more characters</ins>",
  ],
  [
    { kind: "json", changes: [{ path: "rate", before: "1", after: "2" }], count: 3 },
    '<div><span class="nb-path">rate </span><del>1</del> → <ins>2</ins></div><p class="nb-note">… 2 more changes</p>',
  ],
  [{ kind: "value", before: "1", after: "<b>" }, "<del>1</del> → <ins>&lt;b&gt;</ins>"],
])("draws what differs %#", async (difference, html) => {
  page = await done();
  page.ops(attempt({ difference: { ...difference, note: "1 difference" } }));
  await settle();
  expect(rowOf(page.el, "Attempt 1")).toBeDefined();
  expect(page.el.textContent).toContain("Compared with the first result: 1 difference");
  expect([...page.el.querySelectorAll(".nb-pre")].map(({ innerHTML }) => innerHTML)).toContain(
    html,
  );
});

it("draws a table with the cells that differ, and two pictures next to each other", async () => {
  page = await done({ result: { "image/png": "AAAA" } });
  const table = {
    kind: "table",
    columns: [{ name: "sales" }, { name: "new", change: "added" }],
    rows: [
      { label: "1", cells: [["388", "401"], "x"] },
      { label: "2", change: "removed", cells: ["5", null] },
    ],
    more_rows: 4,
  };
  page.ops(attempt({ difference: table }));
  await settle();
  const rows = [...page.el.querySelectorAll("tr")].map(({ innerHTML }) => innerHTML);
  expect(rows[0]).toBe("<th></th><th>sales</th><th><ins>new</ins></th>");
  expect(rows[1]).toBe("<th>1</th><td><del>388</del> → <ins>401</ins></td><td>x</td>");
  expect(rows[2]).toContain("<del>2</del>");
  expect(page.el.textContent).toContain("… 4 more rows");
  page.ops([
    "set",
    "rate/attempt-1",
    { difference: { kind: "picture" }, result: { "image/png": "BBBB" } },
  ]);
  await settle();
  const sides = [...page.el.querySelectorAll(".nb-side-by-side img")].map((each) =>
    each.getAttribute("src"),
  );
  expect(sides).toEqual(["data:image/png;base64,AAAA", "data:image/png;base64,BBBB"]);
});
