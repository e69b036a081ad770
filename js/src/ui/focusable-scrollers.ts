/** Makes scrollable boxes reachable by keyboard: a box that overflows is a stop for the Tab key, any other is none. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

const SCROLLERS = ".nb-pre, .nb-html, .nb-thought-pane, .nb-code pre, .nb-table, .nb-display";
const PAUSE_MS = 200;

/** Keep the scrollers below the element behind `ref` focusable while its content changes. */
export function useFocusableScrollers(ref: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const root = ref.current;
    if (!root) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const mark = () => {
      timer = undefined;
      if (root.getClientRects().length === 0) {
        // Nothing has a size where the notebook hides its cells, as it does for a moment when the theme changes.
        sizes.unobserve(root);
        sizes.observe(root); // from nothing: the next size is told even if it is the one from before
        return;
      }
      for (const node of root.querySelectorAll<HTMLElement>(SCROLLERS)) {
        const more = node.scrollHeight > node.clientHeight || node.scrollWidth > node.clientWidth;
        if (more !== node.hasAttribute("tabindex")) node.toggleAttribute("tabindex");
        if (more) node.tabIndex = 0;
      }
    };
    const later = () => {
      timer ??= setTimeout(mark, PAUSE_MS);
    };
    const changes = new MutationObserver(later);
    changes.observe(root, { childList: true, subtree: true });
    const sizes = new ResizeObserver(later);
    sizes.observe(root);
    return () => {
      clearTimeout(timer);
      changes.disconnect();
      sizes.disconnect();
    };
  }, [ref]);
}
