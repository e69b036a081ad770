/** Retained height: a box does not shrink by itself, so that the page below it does not move. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Time in which a click may change the height: a panel's transition and a little more. */
const CLICK_EFFECT_MS = 400;

/** Keep the height of the element behind `ref` in `--nb-retained-height`. A click releases it, because it may open or close a panel. */
export function useRetainedHeight(ref: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let width = 0;
    const retain = () => {
      // A notebook takes cells out of the page: they have no size then.
      if (timer !== undefined || box.offsetHeight === 0) return;
      // In another width everything has another height.
      if (box.offsetWidth !== width) box.style.removeProperty("--nb-retained-height");
      width = box.offsetWidth;
      box.style.setProperty("--nb-retained-height", `${box.offsetHeight}px`);
    };
    const release = () => {
      clearTimeout(timer);
      box.style.removeProperty("--nb-retained-height");
      timer = setTimeout(() => {
        timer = undefined;
        retain();
      }, CLICK_EFFECT_MS);
    };
    const sizes = new ResizeObserver(retain);
    sizes.observe(box);
    box.addEventListener("click", release);
    return () => {
      clearTimeout(timer);
      sizes.disconnect();
      box.removeEventListener("click", release);
    };
  }, [ref]);
}
