/** Virtualization of the parts of a transcript. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchInView } from "../../src/ui/virtualize";

type Entry = Pick<
  IntersectionObserverEntry,
  "target" | "isIntersecting" | "boundingClientRect" | "rootBounds"
>;
let intersect: (entries: Entry[]) => void;

beforeEach(() => {
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      observe = () => {};
      unobserve = () => {};
      constructor(receive: (entries: Entry[]) => void) {
        intersect = receive;
      }
    },
  );
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a part that fails is reported, and the others are called all the same, then and later", async () => {
  const log = document.createElement("div");
  log.className = "nb-log";
  document.body.append(log);
  const calls: string[] = [];
  vi.stubGlobal("reportError", (error: unknown) => void calls.push(String(error)));
  const parts = ["first", "broken", "last"].map((name) => {
    const part = document.createElement("p");
    log.append(part);
    watchInView(part, (inView) => {
      if (name === "broken") throw new Error("broken");
      calls.push(`${name} ${inView ? "in" : "out"}`);
    });
    return part;
  });
  const box = new DOMRect(0, 0, 100, 100);
  for (const isIntersecting of [true, false]) {
    intersect(
      parts.map((target) => ({ target, isIntersecting, boundingClientRect: box, rootBounds: box })),
    );
    await vi.runAllTimersAsync();
  }
  expect(calls).toEqual([
    "last in",
    "Error: broken",
    "first in",
    "last out",
    "Error: broken",
    "first out",
  ]);
  log.remove();
});
