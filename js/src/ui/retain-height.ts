/**
 * Retained height: a box that grows does not shrink by itself, so that the page below it does not
 * move up and down.
 */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Time in which a click may change the height: a panel's transition and a little more. */
const CLICK_EFFECT_MS = 400;
const PROPERTY = "--nb-retained-height";

/**
 * Keep the height of the element behind `ref` in `--nb-retained-height` while it is `active`. A
 * click releases it, because it may open or close a panel.
 */
export function useRetainedHeight(ref: RefObject<HTMLElement | null>, active: boolean): void {
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let frame: number | undefined;
    let width = 0;
    const retain = () => {
      frame = undefined;
      // A notebook takes cells out of the page: they have no size then.
      if (timer !== undefined || box.offsetHeight === 0) return;
      // In another width everything has another height.
      if (box.offsetWidth !== width) box.style.removeProperty(PROPERTY);
      width = box.offsetWidth;
      box.style.setProperty(PROPERTY, `${box.offsetHeight}px`);
    };
    // Not in the observer's callback: what changes a size there is an error event of the page.
    const schedule = () => {
      frame ??= requestAnimationFrame(retain);
    };
    const release = () => {
      clearTimeout(timer);
      box.style.removeProperty(PROPERTY);
      timer = setTimeout(() => {
        timer = undefined;
        if (active) retain();
      }, CLICK_EFFECT_MS);
    };
    const sizes = new ResizeObserver(schedule);
    if (active) sizes.observe(box);
    box.addEventListener("click", release);
    return () => {
      clearTimeout(timer);
      if (frame !== undefined) cancelAnimationFrame(frame);
      sizes.disconnect();
      box.removeEventListener("click", release);
    };
  }, [ref, active]);
}
