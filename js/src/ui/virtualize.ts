/** Virtualizes long transcripts: parts far from the reader are replaced by empty boxes of the same height. */

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** How far outside of the visible area a part is still drawn, so that no reader scrolls into a gap. */
const MARGIN_PX = 3000;
/** Longest time for which parts are drawn in one task. */
const SLICE_MS = 8;

export type Told = (near: boolean, height: number) => void;

interface Watch {
  observer: IntersectionObserver;
  told: Map<Element, Told>;
}

/** One observer per scroller. */
const watches = new WeakMap<Element, Watch>();
const waiting = new Map<Element, () => void>();
let busy = false;

/** Call back when the element comes near to, or goes far from, the visible area of its scroller. Returns a function that stops it. */
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

/** Draw as many parts as fit in a short task. The last requests come first: they are the nearest to a reader who scrolls. */
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
    // Preact draws the change in this microtask.
    await null;
  }
  busy = false;
}

/** Return true if the element has the focus or the selection: then it must stay in the page. */
export function isInUse(element: Element): boolean {
  const selection = element.ownerDocument.getSelection();
  const nodes = [element.ownerDocument.activeElement, selection?.isCollapsed ? null : selection?.anchorNode];
  return nodes.some((node) => node && element.contains(node));
}

/** Return the height in pixels of the box that replaces the element behind `ref`, or null while the element is to be drawn. */
export function useFar(ref: RefObject<HTMLElement | null>, guess: number | null): number | null {
  const [far, setFar] = useState(guess);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    return watchNear(element, (near, height) => {
      if (near) setFar(null);
      // A very high part virtualizes its own content.
      else if (height < 2 * MARGIN_PX && !isInUse(element)) setFar(height);
    });
  }, [ref]);
  return far;
}
