/** Tables as text for a spreadsheet: their cells, no formulas, and what is left out of them. */

import { expect, it } from "vitest";
import { cellsOf, cutNote, delimited } from "../../src/media/table-text";

function drawn(html: string): HTMLElement {
  const box = document.createElement("div");
  box.innerHTML = html;
  return box;
}

const cells = (html: string) => cellsOf(drawn(html).querySelector("table") as HTMLTableElement);

it("every cell has its row and column, of what is nested in it the text", () => {
  const html =
    "<table><thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>0</th><td> x<br><b>y</b> </td></tr></table>";
  expect(cells(html)).toEqual([
    ["", "a"],
    ["0", "x\ny"],
  ]);
});

it("a cell that spans several is in each of them", () => {
  const html = `<table>
    <tr><th></th><th colspan="2">2024</th></tr>
    <tr><th rowspan="2">north</th><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>`;
  expect(cells(html)).toEqual([
    ["", "2024", "2024"],
    ["north", "1", "2"],
    ["north", "3", "4"],
  ]);
});

it("a cell that claims a thousand columns takes a hundred", () => {
  expect(
    cells('<table><tr><td colspan="1000" rowspan="60000">x</td></tr></table>')[0],
  ).toHaveLength(100);
});

it.each([
  ["=1+1", "'=1+1"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"],
  ["-2+3+cmd", "'-2+3+cmd"],
  ["＝1+1", "'＝1+1"],
  ["\tx", `"'\tx"`],
  ["-", "'-"],
  ["-1.5", "-1.5"],
  ["+3e-5", "+3e-5"],
  ["-1_000", "-1_000"],
  ["-12.5 %", "-12.5 %"],
  ["a=b", "a=b"],
  ['say "hi", a', '"say ""hi"", a"'],
  ["two\nlines", '"two\nlines"'],
])("a text is no formula, and a number stays one: %j", (text, written) => {
  expect(delimited([[text]], ",")).toBe(written);
  expect(delimited([[text]], "\t")).toBe(written);
});

it("rows end as RFC 4180 says, and as a spreadsheet pastes them", () => {
  const rows = [
    ["a", "b"],
    ["1", ""],
  ];
  expect(delimited(rows, ",")).toBe("a,b\r\n1,");
  expect(delimited(rows, "\t")).toBe("a\tb\r\n1\t");
});

const PANDAS = (rows: string, size: string) =>
  `<table><thead><tr><th></th><th>x</th></tr></thead><tbody>${rows}</tbody></table><p>${size}</p>`;
const ROW = "<tr><th>0</th><td>1</td></tr>";
const GAP = "<tr><th>...</th><td>...</td></tr>";

it.each([
  [PANDAS(ROW + GAP + ROW, "20000 rows × 1 columns"), "2 of 20,000 rows"],
  [PANDAS(ROW, "1 rows × 30 columns"), "1 of 30 columns"],
  [PANDAS(ROW, "1 rows × 1 columns"), null],
  [PANDAS(ROW, "about 20000 rows × 30 columns"), null],
  [
    `<small>shape: (20_000, 2)</small>${PANDAS("<tr><td>1</td><td>&hellip;</td></tr>", "")}`,
    "1 of 20,000 rows, 1 of 2 columns",
  ],
  ["<p>20000 rows × 30 columns</p>", null],
])("a table that is cut says what is shown of it: %#", (html, note) => {
  expect(cutNote(drawn(html))).toBe(note);
});
