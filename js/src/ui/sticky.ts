/** A scroller that stays at its end while content grows, unless the reader scrolls up. */

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isTyping } from "./shortcuts";

const END_TOLERANCE_PX = 4;
/** Time in which the page may still scroll because of a turn of the wheel, a touch or a key. */
const INPUT_EFFECT_MS = 500;
const INPUTS = ["wheel", "touchmove", "pointerdown", "keydown"] as const;

export class StickyScroll {
  #pinned = true;
  #lastTop = 0;
  #lastHeight = 0;
  #inputAt = Number.NEGATIVE_INFINITY;
  #away = false;
  readonly #observer: ResizeObserver;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly onPinned: (pinned: boolean) => void = () => {},
  ) {
    this.#observer = new ResizeObserver(() => this.#follow());
    this.#observer.observe(scroller);
    for (const child of scroller.children) this.#observer.observe(child);
    scroller.addEventListener("scroll", this.#onScroll, { passive: true });
    for (const input of INPUTS) scroller.addEventListener(input, this.#onInput, { passive: true });
    this.#setPinned(true);
    this.#follow();
  }

  toEnd(): void {
    this.#setPinned(true);
    this.#follow();
  }

  dispose(): void {
    this.#observer.disconnect();
    this.scroller.removeEventListener("scroll", this.#onScroll);
    for (const input of INPUTS) this.scroller.removeEventListener(input, this.#onInput);
  }

  readonly #onInput = (event: Event) => {
    this.#inputAt = performance.now();
    // The browser goes to where the end is now; the reader also means the end of a panel that is
    // just opening.
    if ((event as KeyboardEvent).key === "End" && !isTyping(event.target)) this.toEnd();
  };

  readonly #onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    // A notebook takes cells out of the page and puts them back, scrolled to their top.
    if (this.#away || clientHeight === 0) return;
    if (scrollHeight - clientHeight - scrollTop <= END_TOLERANCE_PX) this.#setPinned(true);
    // Content that shrinks and grows again also moves the scroller up; that is no scroll by the
    // reader.
    else if (scrollTop < this.#lastTop && (scrollHeight === this.#lastHeight || this.#hadInput()))
      this.#setPinned(false);
    this.#lastTop = scrollTop;
  };

  #hadInput(): boolean {
    return performance.now() - this.#inputAt < INPUT_EFFECT_MS;
  }

  #follow(): void {
    const { scroller } = this;
    const back = this.#away;
    this.#away = scroller.clientHeight === 0;
    if (this.#away) return;
    if (this.#pinned) scroller.scrollTop = scroller.scrollHeight;
    else if (back) scroller.scrollTop = this.#lastTop;
    this.#lastTop = scroller.scrollTop;
    this.#lastHeight = scroller.scrollHeight;
  }

  #setPinned(pinned: boolean): void {
    this.scroller.style.overflowAnchor = pinned ? "none" : "";
    if (pinned === this.#pinned) return;
    this.#pinned = pinned;
    this.onPinned(pinned);
  }
}

/** Make the element behind `ref` a sticky scroller while `active`. */
export function useSticky(
  ref: RefObject<HTMLElement | null>,
  active = true,
): { pinned: boolean; toEnd: () => void } {
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
