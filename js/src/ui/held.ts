/** A box that grows and never shrinks by itself, so that what is below it in the page stays where it is. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** How long a reader's click may change the height: a panel's transition, and a little more. */
const CLICK_MS = 400;

/** Keeps the height of the element behind `ref` in `--nb-held`; a click in it lets go, because then the reader moves it. */
export function useHeld(ref: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let width = 0;
    const hold = () => {
      // A notebook takes cells out of the page: they have no size then.
      if (timer !== undefined || box.offsetHeight === 0) return;
      // In another width everything has another height.
      if (box.offsetWidth !== width) box.style.removeProperty("--nb-held");
      width = box.offsetWidth;
      box.style.setProperty("--nb-held", `${box.offsetHeight}px`);
    };
    const letGo = () => {
      clearTimeout(timer);
      box.style.removeProperty("--nb-held");
      timer = setTimeout(() => {
        timer = undefined;
        hold();
      }, CLICK_MS);
    };
    const sizes = new ResizeObserver(hold);
    sizes.observe(box);
    box.addEventListener("click", letGo);
    return () => {
      clearTimeout(timer);
      sizes.disconnect();
      box.removeEventListener("click", letGo);
    };
  }, [ref]);
}
