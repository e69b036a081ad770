/** Scroll anchoring of views that grow. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { anchorScroll } from "../../src/ui/scroll-anchor";

/**
 * jsdom lays nothing out: a page scrolled by whole pixels, in which two views of equal height stand
 * one below the other.
 */
let page: {
  scroller: HTMLElement;
  heights: number[];
  top: number;
  look: (...changed: number[]) => void;
};
let stops: (() => void)[];

beforeEach(() => {
  const scroller = document.createElement("div");
  const views = [0, 1].map(() => scroller.appendChild(document.createElement("div")));
  scroller.style.overflowY = "auto";
  document.body.append(scroller);
  page = { scroller, heights: [100, 100], top: 500, look: () => {} };
  Object.defineProperties(scroller, {
    clientHeight: { value: 300 },
    scrollHeight: { get: () => 2000 },
    scrollTop: {
      get: () => page.top,
      set: (top: number) => {
        page.top = Math.floor(Math.min(top, 1700));
      },
    },
  });
  for (const [index, view] of views.entries()) {
    view.getBoundingClientRect = () => {
      const above = page.heights.slice(0, index).reduce((sum, height) => sum + height, 0);
      return new DOMRect(0, above - page.top, 100, page.heights[index]);
    };
  }
  const observer = class {
    observe = () => {};
    unobserve = () => {};
    disconnect = () => {};
    constructor(look: (entries: { target: Element | undefined }[]) => void) {
      page.look = (...changed) => look(changed.map((index) => ({ target: views[index] })));
    }
  };
  vi.stubGlobal("ResizeObserver", observer);
  stops = views.map((view) => anchorScroll(view));
  page.look(0, 1);
});
afterEach(() => {
  for (const stop of stops) stop();
  page.scroller.remove();
  vi.unstubAllGlobals();
});

/** The first view grows, the browser notices. */
function grow(by: number): void {
  page.heights[0] = (page.heights[0] ?? 0) + by;
  page.look(0);
}

it("scrolls along with a view that grows above what is seen, to the pixel in the end", () => {
  for (let times = 0; times < 10; times++) grow(22.4);
  expect(Math.abs(page.top - 724)).toBeLessThanOrEqual(1);
});

it("leaves the page alone while any of the view is seen", () => {
  page.top = 50;
  page.scroller.dispatchEvent(new Event("scroll"));
  grow(30);
  expect(page.top).toBe(50);
});

it("adds nothing to what the browser has scrolled by itself", () => {
  grow(30);
  page.top += 30;
  grow(30);
  expect(page.top).toBe(560);
});

it("does not take a cell that comes back into the page for one that has grown", () => {
  grow(-100);
  grow(180);
  expect(page.top).toBe(500);
});

it("hears the reader scroll", () => {
  grow(30);
  page.top = 900;
  page.scroller.dispatchEvent(new Event("scroll"));
  grow(30);
  expect(page.top).toBe(930);
});

it("adds nothing where the browser has scrolled, and said so, before the growth is told", () => {
  page.heights[0] = 130;
  page.top += 30;
  page.scroller.dispatchEvent(new Event("scroll"));
  page.look(0);
  expect(page.top).toBe(530);
});

it("adds nothing to what the browser has scrolled since the view came", () => {
  page.top += 67;
  grow(67);
  expect(page.top).toBe(567);
});

it("still scrolls along when it hears of its own scrolling after the next growth", () => {
  grow(30);
  page.heights[0] = 160;
  page.scroller.dispatchEvent(new Event("scroll"));
  page.look(0);
  expect(page.top).toBe(560);
});

it("makes up for all views that grow in one frame above what is seen", () => {
  page.heights = [130, 150];
  page.look(0, 1);
  expect(page.top).toBe(580);
});

it("makes up for those above only, where the last of them is seen", () => {
  page.top = 150;
  page.scroller.dispatchEvent(new Event("scroll"));
  page.heights = [130, 150];
  page.look(1, 0);
  expect(page.top).toBe(180);
});

it("goes on for the other views when one is gone", () => {
  stops[1]?.();
  grow(30);
  expect(page.top).toBe(530);
});
