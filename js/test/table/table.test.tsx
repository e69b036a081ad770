/** The table of a map: the rows in view, their order and filters, the keys. */

import { render } from "preact";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RowsQuestion, TableRow, ViewMessage } from "../../src/protocol";
import type { Session } from "../../src/session";
import { Block } from "../../src/store";
import { RowsTable } from "../../src/table";
import type { JsonObject } from "../../src/values";
import { inspectedSession } from "../inspector/support";
import { ownClock, settle } from "../support";

ownClock();

const ROWS: TableRow[] = Array.from({ length: 10_000 }, (_, row) => ({
  row,
  label: String(row),
  item: `question ${row}`,
  answer: `answer ${row}`,
  status: "completed",
  scores: [row % 2 === 0],
}));
const PROPS = {
  total: ROWS.length,
  ended: ROWS.length,
  failed: 2,
  tools_failed: 1,
  asking: 1,
  summary: "10,000 / 10,000 · 2 failed",
  version: 1,
  scores: ["check"],
  tools: { search: 3 },
  figures: ["cost"],
};

let questions: RowsQuestion[];
let sent: ViewMessage[];
let session: Session;
let block: Block<"rows">;
let root: HTMLElement;

beforeEach(() => {
  questions = [];
  const answer = (name: string): JsonObject => {
    const question: RowsQuestion = JSON.parse(name.slice("rows/".length));
    questions.push(question);
    const { at = 0, rows = 0, filter, down } = question;
    const fitting = filter === "failed" ? ROWS.slice(3, 5) : ROWS;
    const page = (down ? fitting.toReversed() : fitting).slice(at, at + rows);
    const text = JSON.stringify({ version: 1, total: fitting.length, rows: page });
    return { text, size: text.length };
  };
  const head = { name: "map", started: 1, events: 3, status: "completed" };
  ({ session, sent } = inspectedSession(answer, { head }));
  block = new Block("rows", "run", "rows", PROPS, false);
  root = document.createElement("div");
  document.body.append(root);
});
afterEach(() => {
  render(null, root);
  session.dispose();
  root.remove();
});

function draw(props: JsonObject = {}): Promise<void> {
  block.props.value = { ...block.props.value, ...props };
  render(<RowsTable session={session} block={block} />, root);
  return settle();
}

function found<T extends Element>(selector: string): T {
  const element = root.querySelector<T>(selector);
  if (element === null) throw new Error(`there is no ${selector}`);
  return element;
}
const rows = () => [...root.querySelectorAll<HTMLElement>(".nb-map-row")];
const cells = (row: HTMLElement | undefined) =>
  [...(row?.children ?? [])].map((cell) => cell.textContent?.trim());
const active = () => root.querySelector(".nb-map-active")?.id.split("-").at(-1);
const opened = () => sent.filter((message) => message.t === "rows");

async function press(...keys: string[]): Promise<void> {
  for (const key of keys) {
    found(".nb-map-grid").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    await settle();
  }
}

async function choose(value: string): Promise<void> {
  const select = found<HTMLSelectElement>("select");
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await settle();
}

test("of ten thousand rows only those in view are in the page, wherever it is scrolled", async () => {
  await draw();
  expect(cells(rows()[0])).toEqual(["0", "question 0", "answer 0", "done", "", "", "yes"]);
  expect(rows().length).toBeLessThan(40);
  const list = found<HTMLElement>(".nb-map-rows");
  list.scrollTop = 5000 * 28;
  list.dispatchEvent(new Event("scroll"));
  await settle();
  expect(rows().some((row) => row.textContent?.includes("question 5000"))).toBe(true);
  expect(rows().length).toBeLessThan(40);
  expect(found(".nb-map-grid").getAttribute("aria-rowcount")).toBe("10001");
});

test("the column of labels is as wide as the longest one, up to a limit, and says each whole", async () => {
  const width = () => found<HTMLElement>(".nb-map-grid").style.getPropertyValue("--nb-columns");
  await draw({ label_chars: 9 });
  expect(width()).toMatch(/^10ch /);
  await draw({ label_chars: 90 });
  expect(width()).toMatch(/^24ch /);
  expect(rows()[7]?.querySelector("[title]")?.getAttribute("title")).toBe("7");
});

test("a column's head sorts by it, then the other way around, then not", async () => {
  await draw();
  const head = () =>
    [...root.querySelectorAll<HTMLElement>("[role=columnheader]")].find((each) =>
      each.textContent?.startsWith("Answer"),
    );
  const orders = [];
  for (let clicks = 0; clicks < 3; clicks += 1) {
    head()?.querySelector("button")?.click();
    await settle();
    orders.push([head()?.ariaSort ?? head()?.getAttribute("aria-sort"), cells(rows()[0])[1]]);
  }
  expect(orders).toEqual([
    ["ascending", "question 0"],
    ["descending", "question 9999"],
    ["none", "question 0"],
  ]);
});

test("the filter has the numbers of rows, and those that differ where items have several rows", async () => {
  await draw();
  const options = () =>
    [...root.querySelectorAll("option")].map((option) => option.textContent).slice(1);
  expect(options()).toEqual([
    "Failed (2)",
    "With failed tools (1)",
    "Waiting for you (1)",
    "Slowest tenth",
    "Called search (3)",
  ]);
  await draw({ is_grouped: true });
  expect(options()).toContain("Different answers");
  await choose("failed");
  expect(rows().map((row) => cells(row)[0])).toEqual(["3", "4"]);
  expect(root.textContent).toContain("2 of 10,000 rows");
  await choose("tool:search");
  expect(questions.at(-1)).toMatchObject({ filter: "tool", tool: "search" });
});

test("what is typed is searched for when the reader pauses", async () => {
  await draw();
  const field = found<HTMLInputElement>("input[type=search]");
  for (const typed of ["b", "ba", "bad"]) {
    field.value = typed;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await settle(20);
  }
  await settle(400);
  const texts = new Set(questions.map(({ text }) => text));
  expect([...texts]).toEqual(["", "bad"]);
});

test("the keys move through the rows, open one and close it", async () => {
  await draw();
  await press("ArrowDown", "ArrowDown", "PageDown", "ArrowUp");
  expect(active()).toBe("13");
  await press("Enter");
  expect(opened().at(-1)).toEqual({ t: "rows", act: "open", row: 13 });
  await draw({ open: { row: 13, view: "", problem: "the row has not begun" } });
  expect(found(".nb-map-card").textContent).toBe("the row has not begun");
  await press("Escape");
  expect(opened().at(-1)).toEqual({ t: "rows", act: "open", row: null });
  await press("Home");
  expect(active()).toBe("0");
});

test.each([
  [{ status: "completed", tools_failed: 2 }, "2 tools failed", "2 tool calls failed"],
  [{ status: "completed", restored: true }, "stored", "from the store: not run again"],
  [{ status: "failed", tools_failed: 1 }, "failed", "1 tool call failed"],
  [{ status: "running", asks: true }, "waits for you", ""],
  [{ status: "max_steps" }, "step limit", ""],
])("the state of a row %j is: %s", async (fields, word, title) => {
  const row = ROWS[0] as TableRow;
  ROWS[0] = { ...row, ...fields };
  await draw();
  ROWS[0] = row;
  const cell = rows()[0]?.children[3];
  expect(cell?.textContent?.trim()).toBe(word);
  expect(cell?.querySelector("span")?.title).toBe(title);
});
