/** Keeps in the page only what is near the reader: far parts of a long transcript are empty boxes of the same height. */

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** How far outside of what is seen a part is still in the page, so that no reader scrolls into a gap. */
const MARGIN_PX = 3000;
/** How long parts are drawn at a stretch. */
const SLICE_MS = 8;

export type Told = (near: boolean, height: number) => void;

interface Watch {
  observer: IntersectionObserver;
  told: Map<Element, Told>;
}

/** One observer for each scroller. */
const watches = new WeakMap<Element, Watch>();
const waiting = new Map<Element, () => void>();
let busy = false;

/** Calls back when the element comes near to, or goes far from, what its scroller shows. Returns the way to stop. */
export function watchNear(element: Element, told: Told): () => void {
  const root = element.closest(".nb-thought-pane, .nb-log");
  if (root === null || typeof IntersectionObserver === "undefined") {
    told(true, 0);
    return () => {};
  }
  const watch = watches.get(root) ?? newWatch(root);
  watch.told.set(element, told);
  watch.observer.observe(element);
  return () => {
    waiting.delete(element);
    watch.told.delete(element);
    watch.observer.unobserve(element);
  };
}

function newWatch(root: Element): Watch {
  const told: Watch["told"] = new Map();
  const receive = (entries: IntersectionObserverEntry[]) => {
    for (const { target, isIntersecting, boundingClientRect: box, rootBounds } of entries) {
      // A notebook takes cells out of the page and puts them back: nothing is far then.
      if (!rootBounds?.width || !target.isConnected) continue;
      waiting.set(target, () => told.get(target)?.(isIntersecting, box.height));
    }
    if (!busy) setTimeout(work);
    busy = true;
  };
  const watch = { observer: new IntersectionObserver(receive, { root, rootMargin: `${MARGIN_PX}px` }), told };
  watches.set(root, watch);
  return watch;
}

/** As many parts as a short task holds, those that were asked for last first: they are the nearest to a reader who scrolls. */
async function work(): Promise<void> {
  const end = performance.now() + SLICE_MS;
  for (let next = [...waiting].pop(); next; next = [...waiting].pop()) {
    if (performance.now() > end) {
      setTimeout(work);
      return;
    }
    waiting.delete(next[0]);
    try {
      next[1]();
    } catch (error) {
      // One part that cannot be drawn must not keep the others from it.
      reportError(error);
    }
    // What it changed is drawn now.
    await null;
  }
  busy = false;
}

/** Whether the reader works in there: then it must not go. */
export function isInUse(element: Element): boolean {
  const selection = element.ownerDocument.getSelection();
  const nodes = [element.ownerDocument.activeElement, selection?.isCollapsed ? null : selection?.anchorNode];
  return nodes.some((node) => node && element.contains(node));
}

/** Null while the element behind `ref` is to be drawn, else the height in pixels of the box that stands for it. */
export function useFar(ref: RefObject<HTMLElement | null>, guess: number | null): number | null {
  const [far, setFar] = useState(guess);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    return watchNear(element, (near, height) => {
      if (near) setFar(null);
      // What is very high folds its own parts.
      else if (height < 2 * MARGIN_PX && !isInUse(element)) setFar(height);
    });
  }, [ref]);
  return far;
}
