/** Panels that fold by themselves, in a transcript whose heights the test gives. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { foldQuietly } from "../../src/ui/quiet-fold";

let resized: () => void;
let seen: (entries: { isIntersecting: boolean }[]) => void;
const heights = new Map<Element, number>();
let log: HTMLElement;

beforeEach(() => {
  vi.useFakeTimers();
  const watcher = (keep: (report: never) => void) =>
    class {
      constructor(report: never) {
        keep(report);
      }
      observe() {}
      disconnect() {}
    };
  vi.stubGlobal(
    "ResizeObserver",
    watcher((report) => (resized = report)),
  );
  vi.stubGlobal(
    "IntersectionObserver",
    watcher((report) => (seen = report)),
  );
  for (const name of ["offsetHeight", "clientHeight"]) {
    Object.defineProperty(HTMLElement.prototype, name, {
      configurable: true,
      get(this: HTMLElement) {
        return heights.get(this) ?? 0;
      },
    });
  }
  document.body.innerHTML = "<div class=nbagent><div class=nb-log><div><p></p><p></p></div></div></div>";
  log = document.querySelector(".nb-log") as HTMLElement;
  measure(log, 460);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  for (const name of ["offsetHeight", "clientHeight"]) Reflect.deleteProperty(HTMLElement.prototype, name);
});

function measure(element: Element | null, height: number): void {
  if (element) heights.set(element, height);
}

/** A panel of this height in a content of that height; what folds it is counted. */
function panel(index: number, height: number, content: number) {
  const element = log.querySelectorAll("p")[index] as HTMLElement;
  measure(element, height);
  measure(log.firstElementChild, content);
  const fold = vi.fn(() =>
    measure(log.firstElementChild, (heights.get(log.firstElementChild as Element) ?? 0) - height),
  );
  return { fold, stop: foldQuietly(element, fold) };
}

it("a panel stays open while the transcript would become lower without it, and folds when it is full", () => {
  const { fold } = panel(0, 200, 500);
  expect(fold).not.toHaveBeenCalled();
  measure(log.firstElementChild, 659);
  resized();
  expect(fold).not.toHaveBeenCalled();
  measure(log.firstElementChild, 660);
  resized();
  expect(fold).toHaveBeenCalledTimes(1);
});

it("panels in sight fold one after another, as far as the transcript stays full", () => {
  const { fold } = panel(0, 100, 610);
  expect(fold).toHaveBeenCalledTimes(1);
  // The content has not become lower yet: its transition takes a while.
  const next = panel(1, 100, 610);
  expect(next.fold).not.toHaveBeenCalled();
  measure(log.firstElementChild, 510);
  vi.advanceTimersByTime(300);
  expect(next.fold).not.toHaveBeenCalled();
  measure(log.firstElementChild, 560);
  resized();
  expect(next.fold).toHaveBeenCalledTimes(1);
});

it("all fold when the view is out of sight", () => {
  const panels = [panel(0, 100, 300), panel(1, 100, 300)];
  seen([{ isIntersecting: true }]);
  expect(panels.map(({ fold }) => fold.mock.calls.length)).toEqual([0, 0]);
  seen([{ isIntersecting: false }]);
  expect(panels.map(({ fold }) => fold.mock.calls.length)).toEqual([1, 1]);
});

it("a panel that is opened again, or goes, waits no longer", () => {
  const { fold, stop } = panel(0, 100, 300);
  stop();
  resized();
  seen([{ isIntersecting: false }]);
  expect(fold).not.toHaveBeenCalled();
});

it("a panel that is in no transcript folds at once", () => {
  const fold = vi.fn();
  foldQuietly(null, fold);
  foldQuietly(document.createElement("p"), fold);
  expect(fold).toHaveBeenCalledTimes(2);
});
