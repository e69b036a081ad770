/** Keys that are typed in a view: which of them the notebook hears. */

import { afterAll, expect, it } from "vitest";
import { keepPlainKeys } from "../../src/ui/shortcuts";

const box = document.createElement("div");
box.innerHTML = "<input /><textarea></textarea><button></button>";
document.body.append(box);
const stop = keepPlainKeys(box);
afterAll(stop);

/**
 * What the notebook hears of a key: as JupyterLab in the capture phase, by the view's attribute,
 * and as others in the bubbling one.
 */
function heard(selector: string, init: KeyboardEventInit): boolean[] {
  const found: boolean[] = [];
  const capture = () => found.push(!box.hasAttribute("data-lm-suppress-shortcuts"));
  const bubble = () => found.push(true);
  document.addEventListener("keydown", capture, { capture: true });
  document.addEventListener("keydown", bubble);
  const event = new KeyboardEvent("keydown", { bubbles: true, composed: true, ...init });
  box.querySelector(selector)?.dispatchEvent(event);
  document.removeEventListener("keydown", capture, { capture: true });
  document.removeEventListener("keydown", bubble);
  return found;
}

it.each(["input", "textarea"])("Ctrl and Enter in a field do not run the cell: %s", (field) => {
  expect(heard(field, { key: "Enter", ctrlKey: true })).toEqual([false]);
  expect(heard(field, { key: "Enter", metaKey: true })).toEqual([false]);
  expect(heard(field, { key: "s", ctrlKey: true })).toEqual([true, true]);
});

it("Ctrl and Enter elsewhere are the notebook's", () => {
  expect(heard("button", { key: "Enter", ctrlKey: true })).toEqual([true, true]);
});
