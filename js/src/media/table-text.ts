/** Text of a table for a spreadsheet: rows of cells, of which none is taken for a formula. */

import { count } from "../values";

/** Columns that a cell may span; a table from a tool's result may claim any number. */
const MAX_SPAN = 100;
/** Start of a formula to a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^[+-]?(?:\d[\d,_]*\.?\d*|\.\d+)(?:e[+-]?\d+)?\s?%?$/i;
/** Marks of pandas and polars for rows and columns that are left out. */
const GAP = /^(?:\.\.\.|…)$/;
/** Their words for the size of the whole. */
const SIZE = /^(?:([\d,]+) rows × ([\d,]+) columns|shape: \(([\d_]+), ([\d_]+)\))$/;

/**
 * Return the cells of a table, row by row. A cell that spans several is repeated in each: every row
 * stands for itself.
 */
export function cellsOf(table: HTMLTableElement): string[][] {
  const rows: string[][] = Array.from(table.rows, () => []);
  [...table.rows].forEach((row, at) => {
    let column = 0;
    for (const cell of row.cells) {
      while (rows[at]?.[column] !== undefined) column += 1;
      const end = column + Math.min(cell.colSpan, MAX_SPAN);
      for (const spanned of rows.slice(at, at + Math.max(1, cell.rowSpan))) {
        for (let next = column; next < end; next += 1) spanned[next] = textOf(cell);
      }
      column = end;
    }
  });
  return rows.map((row) => Array.from(row, (text) => text ?? ""));
}

/**
 * Return rows as CSV (https://www.rfc-editor.org/rfc/rfc4180), or with tabs, as spreadsheets paste
 * them.
 */
export function delimited(rows: readonly string[][], separator: "," | "\t"): string {
  const cell = (text: string) => {
    const shown = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
    return /["\r\n\t,]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
  };
  return rows.map((row) => row.map(cell).join(separator)).join("\r\n");
}

/** `10 of 20,000 rows` for a table that pandas or polars has cut; null for a whole one. */
export function cutNote(root: Element): string | null {
  const table = root.querySelector("table");
  const notes = [...root.querySelectorAll("p, small")].map(({ textContent }) =>
    SIZE.exec(textContent?.trim() ?? ""),
  );
  const size = notes.find((note) => note !== null);
  if (!table || !size) return null;
  const [rows, columns] = size
    .slice(1)
    .flatMap((text) => (text ? Number(text.replace(/[,_]/g, "")) : []));
  const shown = [...table.tBodies]
    .flatMap((body) => [...body.rows])
    .map((row) => [...row.cells].filter(({ localName }) => localName === "td").map(textOf))
    .filter((cells) => !cells.every((text) => GAP.test(text)));
  const width = Math.max(
    0,
    ...shown.map((cells) => cells.filter((text) => !GAP.test(text)).length),
  );
  const parts = [part(shown.length, rows, "rows"), part(width, columns, "columns")].filter(
    (each) => each !== null,
  );
  return parts.join(", ") || null;
}

function part(shown: number, all: number | undefined, noun: string): string | null {
  return all === undefined || shown >= all ? null : `${count(shown)} of ${count(all)} ${noun}`;
}

function textOf(cell: Element): string {
  const copy = cell.cloneNode(true) as Element;
  for (const end of copy.querySelectorAll("br")) end.replaceWith("\n");
  return copy.textContent?.trim() ?? "";
}
