/**
 * Virtualization of long transcripts: parts out of view are replaced by empty boxes of the same
 * height.
 */

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/**
 * Distance from the visible area up to which a part counts as in view, so that no reader scrolls
 * into a gap.
 */
const MARGIN_PX = 3000;
/** Time for which parts are drawn in one task. */
const SLICE_MS = 8;

export type InViewListener = (inView: boolean, height: number) => void;

interface Watch {
  observer: IntersectionObserver;
  listeners: Map<Element, InViewListener>;
}

/** One observer per scroller. */
const watches = new WeakMap<Element, Watch>();
const queue = new Map<Element, () => void>();
let scheduled = false;
/** Nodes in use while a slice of the queue is drawn; null outside of one. */
let inUse: readonly Node[] | null = null;

/**
 * Call back when the element comes into view of its scroller, or goes out of it. Return a function
 * that stops it.
 */
export function watchInView(element: Element, listener: InViewListener): () => void {
  const root = element.closest(".nb-thought-pane, .nb-log, .nb-request");
  if (root === null || typeof IntersectionObserver === "undefined") {
    listener(true, 0);
    return () => {};
  }
  const watch = watches.get(root) ?? newWatch(root);
  watch.listeners.set(element, listener);
  watch.observer.observe(element);
  return () => {
    queue.delete(element);
    watch.listeners.delete(element);
    watch.observer.unobserve(element);
  };
}

function newWatch(root: Element): Watch {
  const listeners: Watch["listeners"] = new Map();
  const receive = (entries: IntersectionObserverEntry[]) => {
    for (const { target, isIntersecting, boundingClientRect: box, rootBounds } of entries) {
      // A notebook takes cells out of the page and puts them back: nothing is out of view then.
      if (!rootBounds?.width || !target.isConnected) continue;
      queue.set(target, () => listeners.get(target)?.(isIntersecting, box.height));
    }
    if (!scheduled) setTimeout(drainQueue);
    scheduled = true;
  };
  const watch = {
    observer: new IntersectionObserver(receive, { root, rootMargin: `${MARGIN_PX}px` }),
    listeners,
  };
  watches.set(root, watch);
  return watch;
}

/**
 * Draw as many parts as fit in a short task. The last requests come first: they are the nearest to
 * a reader who scrolls.
 */
async function drainQueue(): Promise<void> {
  const end = performance.now() + SLICE_MS;
  // To ask for the selection lays the page out: once a slice, and not after each part.
  inUse = nodesInUse(document);
  for (const element of [...queue.keys()].reverse()) {
    if (performance.now() > end) break;
    const draw = queue.get(element);
    queue.delete(element);
    try {
      draw?.();
    } catch (error) {
      // One part that cannot be drawn must not keep the others from it.
      reportError(error);
    }
    // Preact draws the change in this microtask.
    await null;
  }
  inUse = null;
  scheduled = queue.size > 0;
  if (scheduled) setTimeout(drainQueue);
}

/** Return true if the element has the focus or the selection: then it must stay in the page. */
export function isInUse(element: Element): boolean {
  const nodes = inUse ?? nodesInUse(element.ownerDocument);
  return nodes.some((node) => element.contains(node));
}

/** Return the node that has the focus, and the one where the selection begins. */
function nodesInUse(document: Document): Node[] {
  const selection = document.getSelection();
  const selected = selection?.isCollapsed ? null : selection?.anchorNode;
  return [document.activeElement, selected].filter((node) => node instanceof Node);
}

/**
 * Return the height in pixels of the box that replaces the element behind `ref`, or null while the
 * element is to be drawn.
 */
export function usePlaceholderHeight(
  ref: RefObject<HTMLElement | null>,
  initial: number | null,
): number | null {
  const [placeholder, setPlaceholder] = useState(initial);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    return watchInView(element, (inView, height) => {
      if (inView) setPlaceholder(null);
      // A very high part virtualizes its own content.
      else if (height < 2 * MARGIN_PX && !isInUse(element)) setPlaceholder(height);
    });
  }, [ref]);
  return placeholder;
}
