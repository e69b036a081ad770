/**
 * Dragged height: the height that the reader gives a transcript by its corner. It wins over every
 * other.
 */

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Side of the corner by which a browser lets a box be dragged. */
const GRIP_PX = 18;
const DRAGGED = "nb-dragged";

/**
 * Let the element behind `ref`, which has `resize` in its style, become higher than it becomes by
 * itself.
 */
export function useDraggedHeight(ref: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const start = ({ target, clientX, clientY }: PointerEvent) => {
      const { right, bottom } = box.getBoundingClientRect();
      if (target !== box || right - clientX > GRIP_PX || bottom - clientY > GRIP_PX) return;
      box.style.height = `${box.offsetHeight}px`;
      box.classList.add(DRAGGED);
    };
    box.addEventListener("pointerdown", start);
    return () => box.removeEventListener("pointerdown", start);
  }, [ref]);
}

/** Give up the height that the reader gave. */
export function forgetDraggedHeight(box: HTMLElement): void {
  box.style.height = "";
  box.classList.remove(DRAGGED);
}
