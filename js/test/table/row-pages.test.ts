/** The rows of a map, as they are read from the kernel. */

import { expect, test } from "vitest";
import type { RowsQuestion } from "../../src/protocol";
import { ALL, type Row, RowPages, type RowsPage } from "../../src/table/row-pages";

const ROW: Omit<Row, "number" | "answer"> = {
  label: "",
  item: "",
  status: "completed",
  asks: false,
  restored: false,
  toolsFailed: 0,
  tokens: null,
  seconds: null,
  cost: null,
  scores: [],
};

/** Rows of a kernel that answers with at most 30 at a time. */
function kernel(numbers: number[]) {
  const asked: RowsQuestion[] = [];
  const state = { version: 1, numbers, answer: "first" };
  const ask = async (question: RowsQuestion): Promise<RowsPage> => {
    asked.push(question);
    const at = question.at ?? 0;
    const page = state.numbers.slice(at, at + Math.min(30, question.rows ?? 0));
    const rows = page.map((number) => ({ ...ROW, number, answer: state.answer }));
    return { version: state.version, total: state.numbers.length, rows };
  };
  return { asked, state, pages: new RowPages(ask) };
}

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);
const settled = () => new Promise((resolve) => setTimeout(resolve));
const places = (asked: readonly RowsQuestion[]) => asked.map(({ at, rows }) => [at, rows]);

test("rows in view are asked for, one page after the other, and once", async () => {
  const { pages, asked } = kernel(upTo(1000));
  pages.setRange(100, 140);
  await settled();
  expect(places(asked)).toEqual([
    [100, 40],
    [130, 10],
  ]);
  expect([pages.total.value, pages.row(139)?.number, pages.row(140)]).toEqual([
    1000,
    139,
    undefined,
  ]);
  pages.setRange(110, 140);
  await settled();
  expect(asked.length).toBe(2);
});

test("rows in view are read again when the table has a new version", async () => {
  const { pages, asked, state } = kernel(upTo(1000));
  pages.setRange(0, 20);
  await settled();
  state.version = 2;
  state.answer = "second";
  pages.setVersion(2);
  await settled();
  expect(places(asked)).toEqual([
    [0, 20],
    [0, 20],
  ]);
  expect(pages.row(0)?.answer).toBe("second");
});

test("a wish brings other rows, and the place of a row among them", async () => {
  const { pages, asked, state } = kernel(upTo(1000));
  pages.setRange(0, 20);
  expect(pages.indexOf(7)).toBe(7);
  state.numbers = [9, 7];
  pages.setWish({ ...ALL, filter: "failed", sort: "answer", down: true });
  await settled();
  expect(asked.at(-1)).toMatchObject({ filter: "failed", sort: "answer", down: true });
  expect([pages.total.value, pages.indexOf(7), pages.indexOf(8)]).toEqual([2, 1, null]);
});

test("where no row fits, rows are asked for again when the wish or the table changes", async () => {
  const { pages, asked, state } = kernel([]);
  pages.setRange(0, 20);
  await settled();
  pages.setRange(0, 30);
  await settled();
  expect([pages.total.value, asked.length]).toEqual([0, 1]);
  state.version = 2;
  pages.setVersion(2);
  await settled();
  expect(asked.length).toBe(2);
  state.numbers = upTo(3);
  pages.setWish({ ...ALL, filter: "failed" });
  await settled();
  expect([pages.total.value, pages.row(2)?.number]).toEqual([3, 2]);
});

test("an answer to an earlier wish is dropped", async () => {
  const { pages } = kernel(upTo(10));
  pages.setRange(0, 5);
  pages.setWish({ ...ALL, text: "x" });
  await settled();
  pages.setWish(ALL);
  expect(pages.row(0)).toBeUndefined();
  await settled();
  expect(pages.row(0)?.number).toBe(0);
});

test("a failure is shown until it is asked again", async () => {
  let fails = true;
  const pages = new RowPages(async () => {
    if (fails) throw new Error("no kernel");
    return { version: 1, total: 1, rows: [{ ...ROW, number: 0, answer: "a" }] };
  });
  pages.setRange(0, 10);
  await settled();
  expect(pages.problem.value).toBe("no kernel");
  fails = false;
  pages.retry();
  await settled();
  expect([pages.problem.value, pages.row(0)?.answer]).toEqual([null, "a"]);
});
