/**
 * Keyboard shortcuts of the notebook: plain keys typed in a view are not commands, combinations
 * with Ctrl or Cmd are.
 */

/** Keys that open and close all panels of a view, as those of a tree view do. */
export const EXPAND_KEY = "*";
export const COLLAPSE_KEY = "-";

/**
 * Attribute by which JupyterLab's shortcuts are off: it listens in the capture phase, before any
 * handler in the view.
 */
const OFF = "data-lm-suppress-shortcuts";

/**
 * Keep plain keys typed in the element from the notebook, whose command mode would take them: `d`
 * `d` deletes a cell. Ctrl+S and the like go through, Ctrl+Enter in a field does not.
 *
 * @returns a function that stops it.
 */
export function keepPlainKeys(element: HTMLElement): () => void {
  element.setAttribute(OFF, "true");
  const prepare = (event: KeyboardEvent) => {
    if (!event.composedPath().includes(element)) return;
    if (isCommand(event)) element.removeAttribute(OFF);
    else element.setAttribute(OFF, "true");
  };
  for (const type of ["keydown", "keypress", "keyup"]) {
    element.addEventListener(type, (event) => {
      if (!isCommand(event as KeyboardEvent)) event.stopPropagation();
    });
  }
  window.addEventListener("keydown", prepare, { capture: true });
  return () => window.removeEventListener("keydown", prepare, { capture: true });
}

/** Return true if the reader writes: then a key is a letter. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest("input, textarea, select, [contenteditable]") !== null
  );
}

/**
 * Return true if the key is the notebook's. Enter in a field is the field's own: with Ctrl the
 * notebook would run the cell again.
 */
function isCommand(event: KeyboardEvent): boolean {
  const [field] = event.composedPath();
  if (event.key === "Enter" && field instanceof Element && field.matches("input, textarea, select"))
    return false;
  return event.ctrlKey || event.metaKey;
}
