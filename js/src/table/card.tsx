// biome-ignore-all lint/a11y/useSemanticElements: as the rows of the grid
// biome-ignore-all lint/a11y/useFocusableInteractive: what is in it takes the focus

/** The run of the open row: a view of its own, beneath the row. */

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Session } from "../session";

interface CardProps {
  session: Session;
  /** DOM key of the run's view; null while it is made, and if there is none. */
  view: string | null;
  /** Why there is no view. */
  problem: string | null;
  /** Number of columns that it stands under. */
  columns: number;
  /** Distance from the first row, in pixels. */
  top: number;
  onHeight: (pixels: number) => void;
}

export function Card({ session, view, problem, columns, top, onHeight }: CardProps) {
  const box = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (view !== null && place.current) return session.mountOther?.(view, place.current);
  }, [session, view]);
  useLayoutEffect(() => {
    const card = box.current;
    if (card === null) return;
    const measure = () => onHeight(card.offsetHeight);
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(card);
    return () => {
      sizes.disconnect();
      onHeight(0);
    };
  }, [onHeight]);
  return (
    <div ref={box} class="nb-map-card" role="row" style={{ top: `${top}px` }}>
      <div role="gridcell" aria-colspan={columns}>
        {view === null && <p class="nb-note">{problem ?? "Opening…"}</p>}
        <div ref={place} />
      </div>
    </div>
  );
}
