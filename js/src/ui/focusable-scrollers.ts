/** Keyboard access to scrollable boxes: a box is in the tab order while it overflows. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

const SCROLLERS = ".nb-pre, .nb-html, .nb-thought-pane, .nb-code pre, .nb-table, .nb-display";
const UPDATE_DELAY_MS = 200;

/**
 * Keep the scrollers below the element behind `ref` focusable while its content changes; `onDrawn`
 * is called after it has.
 */
export function useFocusableScrollers(
  ref: RefObject<HTMLElement | null>,
  onDrawn: (root: HTMLElement) => void = () => {},
): void {
  useEffect(() => {
    const root = ref.current;
    if (!root) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const update = () => {
      timer = undefined;
      if (root.getClientRects().length === 0) {
        // Nothing has a size where the notebook hides its cells, as it does for a moment when the
        // theme changes.
        sizes.unobserve(root);
        // a new observation reports the next size even if it is the same as before
        sizes.observe(root);
        return;
      }
      for (const node of root.querySelectorAll<HTMLElement>(SCROLLERS)) {
        const overflows =
          node.scrollHeight > node.clientHeight || node.scrollWidth > node.clientWidth;
        if (overflows !== node.hasAttribute("tabindex")) node.toggleAttribute("tabindex");
        if (overflows) node.tabIndex = 0;
      }
      onDrawn(root);
    };
    const schedule = () => {
      timer ??= setTimeout(update, UPDATE_DELAY_MS);
    };
    const changes = new MutationObserver(schedule);
    changes.observe(root, { childList: true, subtree: true });
    const sizes = new ResizeObserver(schedule);
    sizes.observe(root);
    return () => {
      clearTimeout(timer);
      changes.disconnect();
      sizes.disconnect();
    };
  }, [ref]);
}
