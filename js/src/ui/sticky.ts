/** A scroller that stays at its end while content grows, unless the reader scrolls up. */

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

const NEAR_END_PX = 4;

export class StickyScroll {
  #pinned = true;
  #lastTop = 0;
  #lastHeight = 0;
  readonly #observer: ResizeObserver;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly onPinned: (pinned: boolean) => void = () => {},
  ) {
    this.#observer = new ResizeObserver(() => this.#follow());
    this.#observer.observe(scroller);
    for (const child of scroller.children) this.#observer.observe(child);
    scroller.addEventListener("scroll", this.#onScroll, { passive: true });
    this.#follow();
  }

  toEnd(): void {
    this.#setPinned(true);
    this.#follow();
  }

  dispose(): void {
    this.#observer.disconnect();
    this.scroller.removeEventListener("scroll", this.#onScroll);
  }

  readonly #onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const atEnd = scrollHeight - clientHeight - scrollTop <= NEAR_END_PX;
    // Content that shrinks moves the position up too; only a move at an unchanged height is the reader's.
    const readerWentUp = scrollTop < this.#lastTop && scrollHeight === this.#lastHeight;
    if (atEnd) this.#setPinned(true);
    else if (readerWentUp) this.#setPinned(false);
    this.#lastTop = scrollTop;
    this.#lastHeight = scrollHeight;
  };

  #follow(): void {
    if (this.#pinned) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#lastTop = this.scroller.scrollTop;
    this.#lastHeight = this.scroller.scrollHeight;
  }

  #setPinned(pinned: boolean): void {
    if (pinned === this.#pinned) return;
    this.#pinned = pinned;
    this.onPinned(pinned);
  }
}

/** Makes the element behind `ref` a sticky scroller while `active`. */
export function useSticky(ref: RefObject<HTMLElement | null>, active = true): { pinned: boolean; toEnd: () => void } {
  const [pinned, setPinned] = useState(true);
  const sticky = useRef<StickyScroll | null>(null);
  useEffect(() => {
    if (!active || !ref.current) return;
    const scroll = new StickyScroll(ref.current, setPinned);
    sticky.current = scroll;
    return () => {
      scroll.dispose();
      sticky.current = null;
    };
  }, [ref, active]);
  return { pinned, toEnd: () => sticky.current?.toEnd() };
}
