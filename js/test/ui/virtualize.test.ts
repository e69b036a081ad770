/** Virtualization of the parts of a transcript. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isInUse, watchInView } from "../../src/ui/virtualize";

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

/** Send the entries of parts, all in view or all out of it. */
async function cross(parts: Element[], isIntersecting: boolean): Promise<void> {
  const box = new DOMRect(0, 0, 100, 100);
  intersect(
    parts.map((target) => ({ target, isIntersecting, boundingClientRect: box, rootBounds: box })),
  );
  await vi.runAllTimersAsync();
}

test("the page is asked once for the selection when many parts go out of view", async () => {
  const log = document.createElement("div");
  log.className = "nb-log";
  document.body.append(log);
  const asked = vi.spyOn(document, "getSelection");
  const kept: Element[] = [];
  const parts = Array.from({ length: 20 }, () => {
    const part = document.createElement("p");
    part.tabIndex = -1;
    log.append(part);
    watchInView(part, () => void (isInUse(part) && kept.push(part)));
    return part;
  });
  parts[3]?.focus();
  await cross(parts, false);
  expect(kept).toEqual([parts[3]]);
  expect(asked).toHaveBeenCalledTimes(1);
  log.remove();
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
  await cross(parts, true);
  await cross(parts, false);
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
