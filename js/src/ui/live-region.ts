/** The page's live region: one element that screen readers read out, shared by all views. */

/** How long words stay in the region. Screen readers have read them by then. */
const KEPT_MS = 7000;
// Seen by nobody; without a style sheet, because it stands outside of every view.
const HIDDEN = "position:fixed;top:0;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";

let region: HTMLElement | undefined;
let users = 0;
const timers = new Set<ReturnType<typeof setTimeout>>();

/** Put the region into the page. It must be there before words come, or they are not read. */
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

/** Have the words read out, after those that are being read. */
export function readOut(words: string): void {
  if (region === undefined) return;
  const line = document.createElement("p");
  line.textContent = words;
  region.append(line);
  const timer = setTimeout(() => {
    timers.delete(timer);
    line.remove();
  }, KEPT_MS);
  timers.add(timer);
}
