import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchNear } from "../../src/ui/virtualize";

type Entry = Pick<IntersectionObserverEntry, "target" | "isIntersecting" | "boundingClientRect" | "rootBounds">;
let tell: (entries: Entry[]) => void;

beforeEach(() => {
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      observe = () => {};
      unobserve = () => {};
      constructor(receive: (entries: Entry[]) => void) {
        tell = receive;
      }
    },
  );
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a part that fails is reported, and the others are told all the same, then and later", async () => {
  const log = document.createElement("div");
  log.className = "nb-log";
  document.body.append(log);
  const heard: string[] = [];
  vi.stubGlobal("reportError", (error: unknown) => void heard.push(String(error)));
  const parts = ["first", "broken", "last"].map((name) => {
    const part = document.createElement("p");
    log.append(part);
    watchNear(part, (near) => {
      if (name === "broken") throw new Error("broken");
      heard.push(`${name} ${near ? "near" : "far"}`);
    });
    return part;
  });
  const box = new DOMRect(0, 0, 100, 100);
  for (const isIntersecting of [true, false]) {
    tell(parts.map((target) => ({ target, isIntersecting, boundingClientRect: box, rootBounds: box })));
    await vi.runAllTimersAsync();
  }
  expect(heard).toEqual(["last near", "Error: broken", "first near", "last far", "Error: broken", "first far"]);
  log.remove();
});
