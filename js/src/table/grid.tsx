// biome-ignore-all lint/a11y/useSemanticElements: rows that are drawn as they come into view
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus

/** The rows of a map, of which only those in view are drawn. One of them may be open. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { OpenRow } from "../protocol";
import type { Session } from "../session";
import { useUniqueId } from "../ui/unique-id";
import { num, str, type Unchecked } from "../values";
import { Card } from "./card";
import { type Column, columnsOf } from "./columns";
import type { RowPages, Wish } from "./row-pages";

/** Height of `.nb-map-row` in table.css. */
const ROW_PX = 28;
/** Rows that are drawn above and below those in sight. */
const OVERSCAN_ROWS = 8;
/** Rows that are in sight. */
const MAX_ROWS = 14;
/** Width below which columns are left out. */
const NARROW_PX = 640;

interface GridProps {
  session: Session;
  pages: RowPages;
  /** Length of the longest label. */
  labelChars: number;
  scores: readonly string[];
  /** Of tokens and cost, those that are known. */
  figures: readonly string[];
  open: Unchecked<OpenRow> | null;
  onWish: (change: Partial<Wish>) => void;
}

export function Grid({ session, pages, labelChars, scores, figures, open, onWish }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const name = useUniqueId();
  const [first, setFirst] = useState(0);
  const [width, setWidth] = useState(0);
  const [cardPx, setCardPx] = useState(0);
  const [active, setActive] = useState<number | null>(null);
  // Read, so that the rows are drawn again when some have come.
  pages.changes.value;
  const total = pages.total.value ?? 0;
  const openRow = num(open?.row);
  const openAt = openRow === null ? null : pages.indexOf(openRow);
  const gap = openAt === null ? 0 : cardPx;
  const sight = Math.min(MAX_ROWS, Math.max(1, total));
  const from = Math.max(0, first - OVERSCAN_ROWS);
  const to = Math.min(total, first + sight + OVERSCAN_ROWS + 1);
  const columns = columnsOf(labelChars, scores, figures, width > 0 && width < NARROW_PX);
  const topOf = (at: number) => at * ROW_PX + (openAt !== null && at > openAt ? gap : 0);

  const measure = () => {
    const { scrollTop, clientWidth } = box.current as HTMLDivElement;
    setWidth(clientWidth);
    const isBelow = openAt !== null && scrollTop > (openAt + 1) * ROW_PX;
    const top = isBelow ? Math.max((openAt + 1) * ROW_PX, scrollTop - gap) : scrollTop;
    setFirst(Math.floor(top / ROW_PX));
  };
  useLayoutEffect(() => {
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(box.current as HTMLDivElement);
    return () => sizes.disconnect();
  }, []);
  useEffect(() => pages.setRange(from, Math.max(to, first + MAX_ROWS)), [pages, from, to, first]);
  useLayoutEffect(() => {
    const list = box.current as HTMLDivElement;
    if (active === null) return;
    const top = topOf(active);
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW_PX > list.scrollTop + list.clientHeight)
      list.scrollTop = top + ROW_PX - list.clientHeight;
  }, [active]);

  // Other rows stand at the same places now.
  useEffect(() => {
    setActive(null);
    (box.current as HTMLDivElement).scrollTop = 0;
  }, [pages.wish]);

  const toggle = (at: number) => {
    const row = pages.row(at);
    if (row === undefined) return;
    const isOpen = row.number === openRow;
    session.channel.send({ t: "rows", act: "open", row: isOpen ? null : row.number });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const to = { Home: 0, End: total - 1 }[event.key];
    const step = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: MAX_ROWS - 1,
      PageUp: 1 - MAX_ROWS,
    }[event.key];
    if (to !== undefined) setActive(to);
    else if (step !== undefined)
      setActive(Math.max(0, Math.min(total - 1, active === null ? first : active + step)));
    else if ((event.key === "Enter" || event.key === " ") && active !== null) toggle(active);
    else if (event.key === "Escape" && openRow !== null)
      session.channel.send({ t: "rows", act: "open", row: null });
    else return;
    event.preventDefault();
  };

  const drawn = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  const isDrawn = active !== null && active >= from && active < to;
  return (
    <div
      class="nb-map-grid"
      role="treegrid"
      aria-label="Rows"
      aria-rowcount={total + 1}
      aria-colcount={columns.length}
      tabIndex={0}
      aria-activedescendant={isDrawn ? `${name}-${active}` : undefined}
      onKeyDown={onKeyDown}
      style={{ "--nb-columns": columns.map((column) => column.width).join(" ") }}
    >
      <Heads columns={columns} wish={pages.wish} onWish={onWish} />
      <div
        ref={box}
        class="nb-map-rows"
        role="rowgroup"
        style={{ height: `${sight * ROW_PX + gap}px` }}
        onScroll={measure}
      >
        <div role="presentation" style={{ height: `${total * ROW_PX + gap}px` }}>
          {drawn.map((at) => {
            const row = pages.row(at);
            const isOpen = row !== undefined && row.number === openRow;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys
              <div
                // Rows that leave are reused for those that come.
                key={at % (MAX_ROWS + 2 * OVERSCAN_ROWS + 2)}
                id={`${name}-${at}`}
                class={at === active ? "nb-map-row nb-map-active" : "nb-map-row"}
                role="row"
                tabIndex={-1}
                aria-rowindex={at + 2}
                aria-expanded={isOpen}
                style={{ top: `${topOf(at)}px` }}
                onClick={() => {
                  setActive(at);
                  toggle(at);
                }}
              >
                {columns.map((column) => (
                  <span
                    key={column.key}
                    role="gridcell"
                    class={column.isFigure ? "nb-map-figure" : ""}
                  >
                    {row === undefined ? "" : column.draw(row)}
                  </span>
                ))}
              </div>
            );
          })}
          {openAt !== null && open !== null && (
            <Card
              key={openRow}
              session={session}
              view={str(open.view)}
              problem={str(open.problem)}
              columns={columns.length}
              top={(openAt + 1) * ROW_PX}
              onHeight={setCardPx}
            />
          )}
        </div>
      </div>
    </div>
  );
}

/** The heads of the columns: a click sorts by one, a second turns the order around. */
function Heads({
  columns,
  wish,
  onWish,
}: {
  columns: readonly Column[];
  wish: Wish;
  onWish: (change: Partial<Wish>) => void;
}) {
  const sort = ({ key }: Column) => {
    if (wish.sort !== key) onWish({ sort: key, down: false });
    else if (wish.down) onWish({ sort: "", down: false });
    else onWish({ down: true });
  };
  return (
    <div class="nb-map-heads" role="row" aria-rowindex={1}>
      {columns.map((column) => {
        const isSorted = column.key === wish.sort;
        const order = wish.down ? "descending" : "ascending";
        const arrow = wish.down ? " ↓" : " ↑";
        return (
          <span
            key={column.key}
            role="columnheader"
            tabIndex={-1}
            aria-sort={isSorted ? order : "none"}
            class={column.isFigure ? "nb-map-figure" : ""}
          >
            <button type="button" onClick={() => sort(column)}>
              {column.head || <span class="nb-sr">Label</span>}
              <span aria-hidden="true">{isSorted && arrow}</span>
            </button>
          </span>
        );
      })}
    </div>
  );
}
