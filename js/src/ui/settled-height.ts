/**
 * Settled height: a transcript that stays a scroller gives up the space that folded panels have
 * left blank.
 */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Time without a change of height, after which its panels have folded. */
const REST_MS = 1500;
/** Blank space that a reader does not notice. */
const UNNOTICED_PX = 4;
const SETTLING = "nb-settling";

/**
 * Let the element behind `ref` shrink to its content, slowly, because what is below comes up. It
 * may shrink while `active`.
 */
export function useSettledHeight(ref: RefObject<HTMLElement | null>, active: boolean): void {
  useEffect(() => {
    const log = ref.current;
    const content = log?.firstElementChild as HTMLElement | null;
    if (!log || !content || !active) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = () => {
      if (content.offsetHeight === 0 || log.clientHeight - content.offsetHeight <= UNNOTICED_PX)
        return;
      log.classList.add(SETTLING);
      log.style.setProperty("--nb-retained-height", `${content.offsetHeight}px`);
    };
    const rest = () => {
      clearTimeout(timer);
      timer = setTimeout(settle, REST_MS);
    };
    const sizes = new ResizeObserver(rest);
    sizes.observe(content);
    rest();
    return () => {
      clearTimeout(timer);
      sizes.disconnect();
      log.classList.remove(SETTLING);
    };
  }, [ref, active]);
}
