import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { keepStill } from "../../src/ui/still";

/** jsdom lays nothing out: a page scrolled by whole pixels, in which the view begins at `at` and has `height`. */
let page: { scroller: HTMLElement; at: number; height: number; top: number; look: () => void };
let letMove: () => void;

beforeEach(() => {
  const scroller = document.createElement("div");
  const view = scroller.appendChild(document.createElement("div"));
  scroller.style.overflowY = "auto";
  document.body.append(scroller);
  page = { scroller, at: 0, height: 100, top: 500, look: () => {} };
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
  view.getBoundingClientRect = () => new DOMRect(0, page.at - page.top, 100, page.height);
  const observer = class {
    observe = () => {};
    disconnect = () => {};
    constructor(look: () => void) {
      page.look = look;
    }
  };
  vi.stubGlobal("ResizeObserver", observer);
  letMove = keepStill(view);
  page.look();
});
afterEach(() => {
  letMove();
  page.scroller.remove();
  vi.unstubAllGlobals();
});

function grow(by: number): void {
  page.height += by;
  page.look();
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
  const { height } = page;
  grow(-height);
  grow(height + 80);
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
  page.height += 30;
  page.top += 30;
  page.scroller.dispatchEvent(new Event("scroll"));
  page.look();
  expect(page.top).toBe(530);
});

it("adds nothing to what the browser has scrolled since the view came", () => {
  page.top += 67;
  grow(67);
  expect(page.top).toBe(567);
});

it("still scrolls along when it hears of its own scrolling after the next growth", () => {
  grow(30);
  page.height += 30;
  page.scroller.dispatchEvent(new Event("scroll"));
  page.look();
  expect(page.top).toBe(560);
});
