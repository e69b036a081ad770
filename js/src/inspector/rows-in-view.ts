/** Rows of equal height, of which only those in view are in the page. */

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** Rows that are drawn above and below those in sight. */
const OVERSCAN_ROWS = 8;
/** Rows that are drawn before the size of the scroller is known. */
const FIRST_ROWS = 40;

/**
 * Return the rows of a list that are near those in sight: the first one, and the one after the last.
 *
 * @param list Element that is as high as all rows; its scroller is the closest `.nb-request-list` or
 *   `.nb-inspector`.
 */
export function useRowsInView(
  list: RefObject<HTMLElement | null>,
  rowPx: number,
  total: number,
): { from: number; to: number } {
  const [range, setRange] = useState({ from: 0, to: FIRST_ROWS });
  useLayoutEffect(() => {
    const box = list.current?.closest<HTMLElement>(".nb-request-list, .nb-inspector");
    if (!box) return;
    const measure = () => {
      const top =
        (list.current?.getBoundingClientRect().top ?? 0) - box.getBoundingClientRect().top;
      const first = Math.floor(-top / rowPx) - OVERSCAN_ROWS;
      const shown = Math.ceil(box.clientHeight / rowPx) + 2 * OVERSCAN_ROWS;
      const from = Math.max(0, first);
      const to = box.clientHeight === 0 ? FIRST_ROWS : first + shown;
      setRange((before) => (before.from === from && before.to === to ? before : { from, to }));
    };
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(box);
    box.addEventListener("scroll", measure, { passive: true });
    return () => {
      sizes.disconnect();
      box.removeEventListener("scroll", measure);
    };
  }, [list, rowPx, total > 0]);
  return { from: range.from, to: Math.min(total, range.to) };
}
