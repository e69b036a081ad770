/** Buttons of a table that is shown: copy it for a spreadsheet, save it as CSV. */

import { render } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { adoptStyle } from "../style";
import { CopyButton } from "../ui/copy";
import { cellsOf, cutNote, delimited } from "./table-text";

/**
 * The buttons of the tables in an element, and what part of a table is shown, if its kernel has cut
 * it.
 */
export function ShownTable({ within }: { within: Element }) {
  const bar = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (bar.current) adoptStyle(bar.current);
  }, []);
  if (within.querySelector("table") === null) return null;
  const rows = () => [...within.querySelectorAll("table")].flatMap(cellsOf);
  const cut = cutNote(within);
  const what = cut ?? "the table";
  return (
    <>
      {cut !== null && <p class="nb-note nb-cut">{cut}</p>}
      <div ref={bar} class="nb-table-bar">
        <CopyButton
          text={() => delimited(rows(), "\t")}
          of=" table"
          title={`Copy ${what} for a spreadsheet`}
        />
        <button
          type="button"
          class="nb-button"
          title={`Save ${what} as CSV`}
          onClick={() => save(delimited(rows(), ","))}
        >
          CSV
        </button>
      </div>
    </>
  );
}

/**
 * Give each table of Markdown below `root` its buttons. One that is being written is drawn again
 * and again, and has none.
 */
export function addTableBars(root: Element): void {
  for (const box of root.querySelectorAll(".nb-table")) {
    if (box.querySelector(".nb-table-place, .nb-caret")) continue;
    const place = document.createElement("div");
    place.className = "nb-table-place";
    // The last child: what draws the table keeps those that come before.
    box.append(place);
    render(<ShownTable within={box} />, place);
  }
}

function save(text: string): void {
  // Without the mark, Excel takes UTF-8 for the letters of the computer's region.
  const isAscii = /^[\0-\x7f]*$/.test(text);
  const url = URL.createObjectURL(
    new Blob([isAscii ? text : `\ufeff${text}`], { type: "text/csv" }),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = "table.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url));
}
