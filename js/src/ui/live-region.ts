/** The page's live region: one element that screen readers read out, shared by all views. */

import { readable } from "../readable";

/** Time for which a text stays in the region, enough for a screen reader. */
const KEEP_MS = 7000;
// Invisible. Inline, because no view's style sheet applies to the body.
const HIDDEN =
  "position:fixed;top:0;width:1px;height:1px;overflow:hidden;" +
  "clip-path:inset(50%);white-space:nowrap";

let region: HTMLElement | undefined;
let users = 0;
const timers = new Set<ReturnType<typeof setTimeout>>();

/** Put the region into the page. It must be there before a text comes, or the text is not read. */
export function openLiveRegion(): () => void {
  users += 1;
  if (region === undefined) {
    region = document.createElement("div");
    region.setAttribute("role", "status");
    region.setAttribute("aria-live", "polite");
    region.style.cssText = HIDDEN;
    document.body.append(region);
  }
  return () => {
    users -= 1;
    if (users > 0) return;
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    region?.remove();
    region = undefined;
  };
}

/** Have a text read out, after those that are being read. */
export function readOut(text: string): void {
  if (region === undefined) return;
  const line = document.createElement("p");
  line.textContent = readable(text);
  region.append(line);
  const timer = setTimeout(() => {
    timers.delete(timer);
    line.remove();
  }, KEEP_MS);
  timers.add(timer);
}
