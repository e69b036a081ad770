/** A view that grows above what the reader sees moves nothing of it, also where the browser does not see to that. */

/**
 * Scrolls along with what grows above. A browser's own scroll anchoring does so too, but not in every notebook: what it
 * has done already is left at that.
 *
 * @returns the way to stop.
 */
export function keepStill(element: HTMLElement): () => void {
  let height = 0;
  let scroller: HTMLElement | null = null;
  let top = 0;
  // A browser scrolls by whole pixels.
  let rest = 0;
  const note = () => {
    height = element.getBoundingClientRect().height;
    top = scroller?.scrollTop ?? 0;
  };
  // The reader has scrolled, or the browser has, for what had grown by then: both are over and done.
  const onScroll = () => {
    if (scroller?.scrollTop !== top) note();
  };
  const leave = () => scroller?.removeEventListener("scroll", onScroll);
  const sizes = new ResizeObserver(() => {
    const before = { height, scroller, top };
    if (!scroller?.contains(element)) {
      leave();
      scroller = scrollerOf(element);
      scroller?.addEventListener("scroll", onScroll, { passive: true });
    }
    note();
    // No height at all: a notebook takes cells out of the page and puts them back.
    if (before.height === 0 || height === 0 || height === before.height) return;
    if (!scroller || scroller !== before.scroller || top !== before.top) return;
    const grown = height - before.height;
    if (element.getBoundingClientRect().bottom - grown > scroller.getBoundingClientRect().top) return;
    const wanted = top + grown + rest;
    scroller.scrollTop = wanted;
    top = scroller.scrollTop;
    rest = (wanted - top) % 1; // more is the end of the page
  });
  sizes.observe(element);
  return () => {
    sizes.disconnect();
    leave();
  };
}

function scrollerOf(element: HTMLElement): HTMLElement | null {
  for (let node = element.parentElement; node; node = node.parentElement) {
    const { overflowY } = getComputedStyle(node);
    if (/auto|scroll/.test(overflowY) && node.scrollHeight > node.clientHeight) return node;
  }
  return null;
}
