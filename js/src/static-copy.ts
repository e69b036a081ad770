/** Static transcript of a run in the saved notebook, hidden while a live view of the run is in the page. */

/**
 * Hide a run's static copy wherever it is in the page, or will be.
 *
 * @param domKey - value of the copy's attribute `data-nbagent-twin`, set by the kernel.
 * @returns a function that shows the copy again.
 */
export function hideStaticCopy(domKey: string): () => void {
  const copy = `[data-nbagent-twin=${JSON.stringify(domKey)}]`;
  const style = document.createElement("style");
  // With the space that JupyterLab makes for an output.
  style.textContent = `${copy}, .jp-OutputArea-child:has(${copy}) { display: none }`;
  document.head.append(style);
  return () => style.remove();
}
