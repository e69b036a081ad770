/**
 * The reader's place: a block in sight that stays where it is in the window while the transcript
 * changes around it.
 */

import { scrollerOf } from "./scroll-anchor";

/** Movement that a reader does not notice. */
export const UNNOTICED_PX = 4;

/** Blocks of the transcript's first level, without those of earlier versions of a chat. */
const BLOCKS = ":scope > .nb-log-content > div > *";

export interface Place {
  readonly block: Element;
  readonly edge: "top" | "bottom";
  /** Place of the edge, in pixels from the window's top. */
  readonly at: number;
}

/**
 * Return the reader's place in a transcript; null if none of it is in sight. At its end that is
 * where the last block in sight ends, since new words come there. A reader who has scrolled up
 * reads on from the first block that begins in sight.
 */
export function placeOf(log: HTMLElement): Place | null {
  const window = rangeOf(pageOf(log));
  const box = log.getBoundingClientRect();
  const top = Math.max(window.top, box.top);
  const bottom = Math.min(window.bottom, box.bottom);
  const seen = [...log.querySelectorAll(BLOCKS)].filter((block) => {
    const { top: from, bottom: to } = block.getBoundingClientRect();
    return to > top && from < bottom;
  });
  const isAtEnd = log.scrollHeight - log.clientHeight - log.scrollTop <= UNNOTICED_PX;
  const begun = seen.find((block) => block.getBoundingClientRect().top >= top);
  const block = isAtEnd ? seen.at(-1) : (begun ?? seen[0]);
  if (block === undefined) return null;
  const edge = isAtEnd ? "bottom" : "top";
  return { block, edge, at: block.getBoundingClientRect()[edge] };
}

/**
 * Scroll the transcript, and then the page, so that the place is where it was, as far as they
 * scroll.
 */
export function keepStill(log: HTMLElement, { block, edge, at }: Place): void {
  const moved = () => block.getBoundingClientRect()[edge] - at;
  if (!block.isConnected) return;
  log.scrollTop += moved();
  pageOf(log).scrollTop += moved();
}

function pageOf(log: HTMLElement): Element {
  return scrollerOf(log) ?? document.scrollingElement ?? document.documentElement;
}

/** The part of the window in which the page's scroller shows its content. */
function rangeOf(page: Element): { top: number; bottom: number } {
  if (page === document.scrollingElement) return { top: 0, bottom: window.innerHeight };
  const { top, bottom } = page.getBoundingClientRect();
  return { top: Math.max(0, top), bottom: Math.min(window.innerHeight, bottom) };
}
