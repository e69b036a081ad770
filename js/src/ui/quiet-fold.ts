/** Quiet folding: a panel folds by itself only when nothing that the reader sees moves with it. */

import { watchSight } from "./sight";

/** Time between two panels that fold in sight: a panel's transition and a little more. */
const FOLD_INTERVAL_MS = 250;

interface Log {
  readonly element: HTMLElement;
  /** The panels that wait, with what folds them; the oldest first. */
  readonly waiting: Map<HTMLElement, () => void>;
  inSight: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
  stop(): void;
}

const logs = new Map<HTMLElement, Log>();

/**
 * Call `fold` as soon as the panel can be folded unnoticed: its transcript scrolls, and still fills its box without the panel;
 * or the whole view is out of sight.
 *
 * @returns a function that stops the waiting.
 */
export function foldQuietly(panel: HTMLElement | null, fold: () => void): () => void {
  const element = panel?.closest<HTMLElement>(".nb-log");
  if (!panel || !element) {
    fold();
    return () => {};
  }
  const log = logs.get(element) ?? newLog(element);
  log.waiting.set(panel, fold);
  foldNext(log);
  return () => {
    log.waiting.delete(panel);
    release(log);
  };
}

function newLog(element: HTMLElement): Log {
  const sizes = new ResizeObserver(() => foldNext(log));
  for (const child of element.children) sizes.observe(child);
  const stopWatching = watchSight(element, (inSight) => {
    log.inSight = inSight;
    foldNext(log);
  });
  const stop = () => {
    sizes.disconnect();
    stopWatching();
  };
  const log: Log = { element, waiting: new Map(), inSight: true, timer: undefined, stop };
  logs.set(element, log);
  return log;
}

function foldNext(log: Log): void {
  if (log.timer !== undefined) return;
  const { element, waiting } = log;
  const content = element.firstElementChild as HTMLElement | null;
  for (const [panel, fold] of waiting) {
    const rest = (content?.offsetHeight ?? 0) - panel.offsetHeight;
    if (log.inSight && rest < element.clientHeight) continue;
    waiting.delete(panel);
    fold();
    if (!log.inSight) continue;
    // The content has its new height after the transition.
    log.timer = setTimeout(() => {
      log.timer = undefined;
      foldNext(log);
    }, FOLD_INTERVAL_MS);
    break;
  }
  release(log);
}

function release(log: Log): void {
  if (log.waiting.size > 0 || log.timer !== undefined) return;
  log.stop();
  logs.delete(log.element);
}
