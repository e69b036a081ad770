/**
 * Scroll anchoring: views that grow above the visible area do not move it, also where the browser
 * does not anchor by itself.
 */

interface Scroller {
  readonly element: HTMLElement;
  /** Scroll position that is accounted for. */
  top: number;
  /** Part of a pixel that is still owed: a browser scrolls by whole pixels. */
  rest: number;
  readonly onScroll: () => void;
}

interface View {
  height: number;
  scroller: Scroller | null;
}

/**
 * All views of the page share one observer, so that those that grow in one frame are compensated
 * together.
 */
const views = new Map<Element, View>();
const scrollers = new Map<HTMLElement, Scroller>();
let sizes: ResizeObserver | undefined;

/**
 * Scroll along with the element's growth while it is above the visible area. What the browser has
 * scrolled by itself is not scrolled again.
 *
 * @returns a function that stops it.
 */
export function anchorScroll(element: HTMLElement): () => void {
  views.set(element, { height: 0, scroller: null });
  sizes ??= new ResizeObserver(onResize);
  sizes.observe(element);
  return () => {
    sizes?.unobserve(element);
    const scroller = views.get(element)?.scroller;
    views.delete(element);
    if (scroller) forget(scroller);
    if (views.size > 0) return;
    sizes?.disconnect();
    sizes = undefined;
  };
}

function onResize(entries: readonly { target: Element }[]): void {
  const changes = new Map<Scroller, { box: DOMRect; grown: number }[]>();
  const seen = new Set<Scroller>();
  for (const { target } of entries) {
    const view = views.get(target);
    if (view === undefined) continue;
    const before = { ...view };
    const box = target.getBoundingClientRect();
    view.height = box.height;
    if (!view.scroller?.element.contains(target)) {
      view.scroller = watchedScroller(target);
      if (before.scroller) forget(before.scroller);
    }
    const { scroller } = view;
    if (scroller) seen.add(scroller);
    // No height at all: a notebook takes cells out of the page and puts them back.
    if (before.height === 0 || view.height === 0 || view.height === before.height) continue;
    if (!scroller || scroller !== before.scroller) continue;
    changes.set(scroller, [
      ...(changes.get(scroller) ?? []),
      { box, grown: view.height - before.height },
    ]);
  }
  for (const scroller of seen) compensate(scroller, changes.get(scroller) ?? []);
}

/** Scroll by the growth of the views that end above the visible area. */
function compensate(scroller: Scroller, changes: { box: DOMRect; grown: number }[]): void {
  const { element, top, rest } = scroller;
  scroller.top = element.scrollTop;
  if (scroller.top !== top) return;
  const edge = element.getBoundingClientRect().top;
  let sum = 0;
  for (const { box, grown } of changes.sort((a, b) => a.box.top - b.box.top)) {
    if (box.bottom - sum - grown > edge) break;
    sum += grown;
  }
  if (sum === 0) return;
  const wanted = top + sum + rest;
  element.scrollTop = wanted;
  scroller.top = element.scrollTop;
  scroller.rest = (wanted - scroller.top) % 1; // more is the end of the page
}

function watchedScroller(element: Element): Scroller | null {
  const node = scrollerOf(element);
  return node && (scrollers.get(node) ?? newScroller(node));
}

/**
 * Return the next element around this one that scrolls; null if only the page's own scroller is
 * left.
 */
export function scrollerOf(element: Element): HTMLElement | null {
  for (let node = element.parentElement; node; node = node.parentElement) {
    const { overflowY } = getComputedStyle(node);
    if (/auto|scroll/.test(overflowY) && node.scrollHeight > node.clientHeight) return node;
  }
  return null;
}

function newScroller(element: HTMLElement): Scroller {
  // The reader has scrolled, or the browser has, for the growth so far: neither is to be
  // compensated again.
  const onScroll = () => {
    if (element.scrollTop === scroller.top) return;
    scroller.top = element.scrollTop;
    for (const [target, view] of views) {
      if (view.scroller === scroller) view.height = target.getBoundingClientRect().height;
    }
  };
  const scroller = { element, top: element.scrollTop, rest: 0, onScroll };
  element.addEventListener("scroll", onScroll, { passive: true });
  scrollers.set(element, scroller);
  return scroller;
}

/** Forget a scroller that holds no view. */
function forget(scroller: Scroller): void {
  for (const view of views.values()) if (view.scroller === scroller) return;
  scroller.element.removeEventListener("scroll", scroller.onScroll);
  scrollers.delete(scroller.element);
}
