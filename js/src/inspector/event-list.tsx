/** List of events; only the rows in view are in the page. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useUniqueId } from "../ui/unique-id";
import { count } from "../values";
import type { EventRows } from "./event-rows";

/** Height of `.nb-event-row` in inspector.css. */
const ROW_PX = 24;
/** Rows that are drawn above and below those in sight. */
const OVERSCAN_ROWS = 8;

interface EventListProps {
  rows: EventRows;
  /** Start of the run, in seconds since the epoch. */
  started: number;
  /**
   * Number of the event after which the run is shown; null for now. Later ones are dimmed, and the
   * list follows it.
   */
  at: number | null;
  /** The open row; null if none is open. */
  chosen: number | null;
  onChoose: (index: number | null) => void;
}

export function EventList({ rows, started, at, chosen, onChoose }: EventListProps) {
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(false);
  const name = useUniqueId();
  const [first, setFirst] = useState(0);
  const [height, setHeight] = useState(0);
  const total = rows.facts.value?.total ?? 0;
  // Read, so that the list is drawn again when rows have come.
  rows.version.value;
  const shown = Math.ceil(height / ROW_PX);
  const from = Math.max(0, first - OVERSCAN_ROWS);
  const to = Math.min(total, first + shown + OVERSCAN_ROWS);

  const measure = () => {
    const box = list.current;
    if (box === null) return;
    setFirst(Math.floor(box.scrollTop / ROW_PX));
    setHeight(box.clientHeight);
    atEnd.current =
      box.scrollTop > 0 && box.scrollTop + box.clientHeight >= box.scrollHeight - ROW_PX;
  };
  useEffect(() => {
    const box = list.current;
    if (box === null) return;
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(box);
    return () => sizes.disconnect();
  }, []);
  useEffect(() => rows.setRange(from, Math.max(to, from + shown)), [rows, from, to, shown]);
  useLayoutEffect(() => {
    const box = list.current;
    // A list at its end stays there.
    if (box !== null && atEnd.current) box.scrollTop = box.scrollHeight;
  }, [total]);

  useLayoutEffect(() => {
    const box = list.current;
    if (box === null || chosen === null) return;
    // The detail takes some of the list's height, and the row should stay in sight.
    const top = chosen * ROW_PX;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + ROW_PX > box.scrollTop + box.clientHeight)
      box.scrollTop = top + ROW_PX - box.clientHeight;
  }, [chosen, height]);
  useLayoutEffect(() => {
    const box = list.current;
    // Of all events, the row is known before it is read.
    const index =
      at !== null && total === rows.facts.peek()?.count ? at - 1 : rows.indexOf(at ?? 0);
    if (box !== null && at !== null && index !== null)
      box.scrollTop = index * ROW_PX - (box.clientHeight - ROW_PX) / 2;
  }, [at, total, rows]);

  const choose = (index: number) => {
    if (total > 0) onChoose(Math.max(0, Math.min(total - 1, index)));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, shown - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
    };
    const step = steps[event.key];
    if (step !== undefined) choose(chosen === null ? first : chosen + step);
    else if (event.key === "Home") choose(0);
    else if (event.key === "End") choose(total - 1);
    else if (event.key === "Escape" && chosen !== null) onChoose(null);
    else return;
    event.preventDefault();
  };
  const drawn = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  const active = chosen !== null && chosen >= from && chosen < to ? `${name}-${chosen}` : undefined;
  return (
    <div
      ref={list}
      class="nb-event-list"
      role="listbox"
      aria-label="Events"
      aria-activedescendant={active}
      tabIndex={0}
      onScroll={measure}
      onKeyDown={onKeyDown}
    >
      <div class="nb-event-rows" role="presentation" style={{ height: `${total * ROW_PX}px` }}>
        {drawn.map((index) => {
          const row = rows.row(index);
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys
            <div
              // Rows that leave are reused for those that come: new ones would take the time of a
              // frame.
              key={index % (shown + 2 * OVERSCAN_ROWS + 1)}
              id={`${name}-${index}`}
              class={
                at !== null && row && row.number > at ? "nb-event-row nb-later" : "nb-event-row"
              }
              role="option"
              aria-selected={index === chosen}
              aria-current={at !== null && row?.number === at}
              aria-setsize={total}
              aria-posinset={index + 1}
              tabIndex={-1}
              style={{ top: `${index * ROW_PX}px` }}
              onClick={() => onChoose(index === chosen ? null : index)}
            >
              <span class="nb-event-number">{row ? count(row.number) : ""}</span>
              <span class="nb-event-time">
                {row?.time == null ? "" : since(row.time - started)}
              </span>
              <span class={`nb-event-type nb-event-${family(row?.type ?? "")}`}>
                {row?.type ?? ""}
              </span>
              <span class="nb-event-summary">
                {row ? (row.time === null ? "no longer kept" : row.summary) : "…"}
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** `+1.234s`, `+2m 03.5s`. */
export function since(seconds: number): string {
  const positive = Math.max(0, seconds);
  if (positive < 60) return `+${positive.toFixed(3)}s`;
  return `+${Math.floor(positive / 60)}m ${(positive % 60).toFixed(1).padStart(4, "0")}s`;
}

export function family(type: string): string {
  return type.split(".", 1)[0] ?? "";
}
