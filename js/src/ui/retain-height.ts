/** Keeps the height of a box that shrinks by itself, so that what is below it in the page stays where it is. */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** How long a reader's click may change the height: a panel's transition and a little more. */
const CLICK_MS = 400;

/** Keep the height of the element behind `ref` in `--nb-held`. A click in it releases the height: then the reader changes it. */
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
      if (box.offsetWidth !== width) box.style.removeProperty("--nb-held");
      width = box.offsetWidth;
      box.style.setProperty("--nb-held", `${box.offsetHeight}px`);
    };
    const release = () => {
      clearTimeout(timer);
      box.style.removeProperty("--nb-held");
      timer = setTimeout(() => {
        timer = undefined;
        retain();
      }, CLICK_MS);
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
