/** The way to another run's view in the page. */

/**
 * Scroll to a run's view, and give it the focus. Returns false if this notebook's page has none.
 */
export function walkTo(run: string | null, from: Element): boolean {
  // Ids of runs are those of one kernel, and a page may show several notebooks.
  const place =
    from.closest(".jp-NotebookPanel, .jp-Notebook") ??
    (from.getRootNode() as Document | ShadowRoot);
  // They begin anew in a kernel that was restarted, while views of the one before may still be
  // there.
  const isGone = from.closest(".nb-gone") !== null;
  const view = [...place.querySelectorAll<HTMLElement>("[data-nbagent-run]")].find(
    (each) =>
      each.dataset.nbagentRun === run && (each.querySelector(".nb-gone") !== null) === isGone,
  );
  const frame = view?.querySelector<HTMLElement>(".nb-frame");
  if (!frame) return false;
  frame.scrollIntoView({ block: "start" });
  frame.tabIndex = -1;
  frame.focus({ preventScroll: true });
  frame.classList.add("nb-arrived");
  frame.addEventListener("animationend", () => frame.classList.remove("nb-arrived"), {
    once: true,
  });
  return true;
}
