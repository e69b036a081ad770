/** Sight of a view: some of it is in the window, so that a reader may see it. */

/**
 * Call back when the view that holds the element comes into sight, and when it goes out of it.
 *
 * @returns a function that stops it.
 */
export function watchSight(element: HTMLElement, listener: (inSight: boolean) => void): () => void {
  const view = element.closest(".nbagent");
  if (view === null || typeof IntersectionObserver === "undefined") return () => {};
  const sight = new IntersectionObserver((entries) => listener(entries.at(-1)?.isIntersecting ?? true));
  sight.observe(view);
  return () => sight.disconnect();
}
