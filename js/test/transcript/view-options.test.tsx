/** Options of a run's view: height, panels, only the whole answer. */

import { afterEach, beforeEach, expect, it } from "vitest";
import type { JsonObject } from "../../src/values";
import { open, ownClock, type Page, settle } from "../support";

ownClock();

let page: Page;
beforeEach(() => {
  page = open();
});
afterEach(() => page.close());

async function begin(options: JsonObject): Promise<void> {
  page.ops([
    "open",
    "run",
    null,
    { kind: "run", name: "analyst", status: "running", started: 1, ...options },
  ]);
  page.ops(["open", "r1", "run", { kind: "reasoning", text: "a thought", started: 1 }]);
  page.ops([
    "open",
    "c1",
    "run",
    { kind: "tool", name: "search", state: "input-available", args: {}, started: 1 },
  ]);
  page.ops(["open", "t1", "run", { kind: "text", text: "half an answer" }]);
  await settle();
}

const log = () => page.el.querySelector(".nb-log") as HTMLElement;
const isOpen = (name: string) =>
  page.el.querySelector(`.nb-${name} > [aria-expanded]`)?.getAttribute("aria-expanded");

it("a height is that of the scroller, and stays when the run has ended", async () => {
  await begin({ height: 300 });
  page.ops(["set", "run", { status: "completed", ended: 2 }]);
  await settle(4000);
  expect(log().style.getPropertyValue("--nb-most")).toBe("300px");
  expect(log().classList.contains("nb-whole")).toBe(false);
});

it("the full height is there at any time", async () => {
  await begin({ height: 0 });
  expect(log().classList.contains("nb-whole")).toBe(true);
});

it("panels that were not asked for are closed while they are active, and those that were are open", async () => {
  await begin({ panels: ["tools"] });
  expect([isOpen("reasoning"), isOpen("tool")]).toEqual(["false", "true"]);
});

it("a call that failed is open all the same", async () => {
  await begin({ panels: [] });
  expect(isOpen("tool")).toBe("false");
  page.ops(["set", "c1", { state: "output-error", error: { type: "E", message: "no" } }]);
  await settle();
  expect(isOpen("tool")).toBe("true");
});

it("only the whole answer is shown where that was asked for", async () => {
  await begin({ final_only: true });
  expect(page.el.textContent).toContain("The answer is shown when it is whole.");
  expect(page.el.textContent).not.toContain("half an answer");
  page.ops(["set", "run", { status: "completed", ended: 2 }]);
  await settle();
  expect(page.el.textContent).toContain("half an answer");
});

it("a panel that opened by itself folds with the end of the run, and not some time after it", async () => {
  await begin({});
  page.ops(["append", "c1", "output", "reading…"]);
  await settle();
  expect([isOpen("reasoning"), isOpen("tool")]).toEqual(["true", "true"]);
  page.ops(["close", "r1"], ["set", "c1", { state: "output-available" }], ["close", "c1"]);
  await settle(200);
  expect([isOpen("reasoning"), isOpen("tool")]).toEqual(["true", "true"]);
  page.ops(["set", "run", { status: "completed", ended: 2 }], ["close", "run"]);
  await settle(200);
  expect([isOpen("reasoning"), isOpen("tool")]).toEqual(["false", "false"]);
});
