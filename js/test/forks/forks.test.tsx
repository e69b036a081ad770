/** The tree of a run and its forks. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { open, ownClock, type Page, settle } from "../support";

vi.mock("../../src/transcript/drawn-module", async () => {
  const forks = await import("../../src/forks");
  return { loadDrawn: () => Promise.resolve(forks) };
});

ownClock();

let page: Page;
beforeEach(() => {
  page = open();
});
afterEach(() => page.close());

const node = (number: number, parent: number | null, fields = {}) => ({
  number,
  parent,
  run: `far-${number}`,
  name: "rates",
  label: parent === null ? "" : "at fetch_rates, other result",
  status: "completed",
  own: false,
  ...fields,
});

async function show(forks: unknown): Promise<void> {
  page.ops([
    "open",
    "run",
    null,
    { kind: "run", name: "rates", status: "completed", started: 1, ended: 2, forks },
  ]);
  await settle();
}

const rows = () => [...page.el.querySelectorAll(".nb-fork")].map((row) => row.textContent);
const click = async (number: number) => {
  const rows = [...page.el.querySelectorAll<HTMLElement>(".nb-fork")];
  rows.find((row) => row.textContent?.startsWith(String(number)))?.click();
  await settle();
};

it("a run that is alone has none", async () => {
  await show([node(1, null, { own: true })]);
  expect(page.el.querySelector(".nb-forks")).toBeNull();
});

it("each parent stands before its forks, and the run itself is marked", async () => {
  await show([
    node(1, null),
    node(2, 1),
    node(3, 1),
    node(4, 2, { own: true, label: "step 2" }),
    node(5, 2),
  ]);
  expect(rows()).toEqual([
    "1rates",
    "2at fetch_rates, other result",
    "4step 2",
    "5at fetch_rates, other result",
    "3at fetch_rates, other result",
  ]);
  expect(page.el.querySelector("[aria-current]")?.textContent).toBe("4step 2");
  const depths = [...page.el.querySelectorAll(".nb-forks li")].map(
    (row) => row.querySelectorAll(".nb-fork-line").length,
  );
  expect(depths).toEqual([0, 1, 2, 2, 1]);
});

it("a click leads to the run's view", async () => {
  const other = open();
  const view = other.el.querySelector<HTMLElement>("[data-nbagent-run]");
  const frame = view?.querySelector<HTMLElement>(".nb-frame");
  const scroll = vi.fn();
  Object.assign(frame as HTMLElement, { scrollIntoView: scroll });
  await show([node(1, null, { own: true }), node(2, 1, { run: view?.dataset.nbagentRun })]);
  await click(2);
  expect(scroll).toHaveBeenCalledOnce();
  expect(document.activeElement).toBe(frame);
  expect(page.el.querySelector(".nb-forks-note")).toBeNull();
  other.close();
});

it("of a run that is not on the page, a click says how to show it", async () => {
  await show([node(1, null), node(2, 1), node(3, 2, { own: true }), node(4, 1), node(5, 4)]);
  await click(5);
  expect(page.el.querySelector(".nb-forks-note")?.textContent).toBe(
    "Run 5 is not on this page. In a cell: nbagent.show(run.parent.parent.forks[1].forks[0])",
  );
});

it("a recording is no place to go to", async () => {
  await show([node(1, null, { run: null, status: "recorded" }), node(2, 1, { own: true })]);
  expect(page.el.querySelectorAll("button.nb-fork")).toHaveLength(0);
});

it("a tree that a file has damaged is shown as far as it makes sense", async () => {
  await show([
    node(1, 1),
    node(2, 9),
    "x",
    null,
    { number: "3" },
    node(4, 5),
    node(5, 4),
    node(5, 4),
  ]);
  expect(rows()).toHaveLength(4);
});

it("the tree is drawn by lines, and the arrow keys move in it", async () => {
  await show([node(1, null, { own: true }), node(2, 1), node(3, 2), node(4, 1)]);
  const lines = [...page.el.querySelectorAll(".nb-forks li")].map((row) =>
    [...row.querySelectorAll(".nb-fork-line")].map(
      ({ className }) => className.split("nb-fork-")[2],
    ),
  );
  expect(lines).toEqual([[], ["fork"], ["on", "end"], ["end"]]);
  const rows = [...page.el.querySelectorAll<HTMLElement>(".nb-fork")];
  const press = (key: string) => {
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    return rows.indexOf(document.activeElement as HTMLElement) + 1;
  };
  rows[1]?.focus();
  expect(["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowRight", "End", "Home"].map(press)).toEqual([
    3, 4, 1, 2, 4, 1,
  ]);
});

it("a click compares the runs, and the table is closed again", async () => {
  await show([node(1, null, { own: true }), node(2, 1)]);
  const button = (name: string) =>
    [...page.el.querySelectorAll<HTMLButtonElement>(".nb-compare")].find(
      ({ textContent }) => textContent === name,
    );
  button("Compare")?.click();
  await settle();
  const sent = page.sent("compare") as unknown as { key: string }[];
  expect(sent).toHaveLength(1);
  expect(button("Comparing…")).toBeDefined();
  const html = "<table><tr><td>1.1</td><td>99</td></tr></table>";
  page.ops(["set", "run", { outcome: { key: sent[0]?.key, html } }]);
  await settle();
  expect(page.el.querySelector(".nb-compared table")?.textContent).toBe("1.199");
  button("Close")?.click();
  await settle();
  expect(page.el.querySelector(".nb-compared table")).toBeNull();
  expect(button("Compare")).toBeDefined();
});
