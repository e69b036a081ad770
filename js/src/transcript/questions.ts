/** Places of a run's questions in a view, so that its header can lead to them. */

import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import type { Session } from "../session";
import type { Block } from "../store";

/** Elements by question: one for each view. */
const drawn = new WeakMap<Block, Set<HTMLElement>>();

/** Let `goToQuestion` find the element behind `ref`. */
export function useFindable(block: Block, ref: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const elements = drawn.get(block) ?? new Set();
    drawn.set(block, elements.add(element));
    return () => {
      elements.delete(element);
    };
  }, [block, ref]);
}

/** Scroll to the next question in a view, and give it the focus. Panels around it are opened. */
export function goToQuestion(session: Session, view: Element): void {
  const open = session.answers.open.peek();
  const places = open.map((block) =>
    [...(drawn.get(block) ?? [])].find((element) => view.contains(element)),
  );
  const focused = (view.getRootNode() as Document | ShadowRoot).activeElement;
  const current = places.findIndex((element) => element?.contains(focused));
  const next = open[(current + 1) % open.length];
  if (next === undefined) return;
  for (const around of session.store.above(next)) {
    if (around.userOpen.peek() === false) session.toggle(around, true);
  }
  // The panels are drawn first.
  requestAnimationFrame(() => {
    const place = [...(drawn.get(next) ?? [])].find((element) => view.contains(element));
    place?.scrollIntoView({ block: "center" });
    place?.focus({ preventScroll: true });
  });
}
