/** The static transcript of a run in the saved notebook, which a live view in the page takes the place of. */

/**
 * Hides a run's twin wherever it is in the page, or will be.
 *
 * @param mark what the kernel has named both by.
 * @returns the way to show it again.
 */
export function hideTwin(mark: string): () => void {
  const twin = `[data-nbagent-twin=${JSON.stringify(mark)}]`;
  const style = document.createElement("style");
  // With the room that JupyterLab makes for an output.
  style.textContent = `${twin}, .jp-OutputArea-child:has(${twin}) { display: none }`;
  document.head.append(style);
  return () => style.remove();
}
