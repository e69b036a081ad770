/** A scroller that stays at its end. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StickyScroll } from "../../src/ui/sticky";

/**
 * jsdom lays nothing out: these are a scroller's numbers, and the moment its content has a new
 * size.
 */
class Scroller {
  readonly node = document.createElement("div");
  height = 500;
  #top = 0;
  resized: () => void = () => {};

  constructor() {
    Object.defineProperties(this.node, {
      clientHeight: { value: 100 },
      scrollHeight: { get: () => this.height },
      scrollTop: {
        get: () => this.#top,
        set: (top: number) => {
          this.#top = Math.max(0, Math.min(top, this.height - 100));
        },
      },
    });
  }

  grow(by: number): void {
    this.height += by;
    this.node.scrollTop = this.#top;
    this.resized();
  }

  readerScrolls(by: number): void {
    this.node.scrollTop = this.#top + by;
    this.node.dispatchEvent(new Event("scroll"));
  }

  get gap(): number {
    return this.height - 100 - this.#top;
  }
}

let scroller: Scroller;
let sticky: StickyScroll;
const pinned = vi.fn();

beforeEach(() => {
  scroller = new Scroller();
  pinned.mockClear();
  const observe = vi.fn();
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe = observe;
      disconnect = () => {
        scroller.resized = () => {};
      };
      constructor(callback: () => void) {
        scroller.resized = callback;
      }
    },
  );
  sticky = new StickyScroll(scroller.node, pinned);
});
afterEach(() => vi.unstubAllGlobals());

describe("a sticky scroller", () => {
  it("stays at the end when content shrinks and grows at once", () => {
    scroller.height -= 200;
    scroller.node.scrollTop += 0; // a browser's own doing
    scroller.height += 300;
    scroller.node.dispatchEvent(new Event("scroll"));
    scroller.grow(0);
    expect(scroller.gap).toBe(0);
  });

  it("lets the reader go while content grows", () => {
    scroller.height += 300;
    scroller.node.dispatchEvent(new Event("wheel"));
    scroller.readerScrolls(-100);
    scroller.grow(0);
    expect(scroller.gap).toBe(400);
  });

  it("starts at the end and stays there while content grows", () => {
    expect(scroller.gap).toBe(0);
    scroller.grow(300);
    expect(scroller.gap).toBe(0);
  });

  it("lets go when the reader scrolls up, and does not move any more", () => {
    scroller.readerScrolls(-50);
    expect(pinned.mock.calls).toEqual([[false]]);
    scroller.grow(300);
    expect(scroller.gap).toBe(350);
  });

  it("takes hold again when the reader comes back to the end", () => {
    scroller.readerScrolls(-50);
    scroller.readerScrolls(48);
    expect(pinned.mock.calls).toEqual([[false], [true]]);
    scroller.grow(300);
    expect(scroller.gap).toBe(0);
  });

  it("is not fooled by content that shrinks, such as a panel that closes", () => {
    scroller.grow(-200);
    scroller.node.dispatchEvent(new Event("scroll"));
    scroller.grow(400);
    expect(pinned).not.toHaveBeenCalled();
    expect(scroller.gap).toBe(0);
  });

  it("goes to the end when told to", () => {
    scroller.readerScrolls(-200);
    sticky.toEnd();
    expect(scroller.gap).toBe(0);
  });

  it("leaves nothing behind", () => {
    sticky.dispose();
    scroller.grow(300);
    scroller.readerScrolls(-10);
    expect(pinned).not.toHaveBeenCalled();
    expect(scroller.gap).toBe(310);
  });

  it("goes to the end of what is still opening when the reader asks for the end", () => {
    scroller.readerScrolls(-200);
    scroller.node.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
    scroller.grow(300);
    expect(scroller.gap).toBe(0);
  });

  it("leaves the reader where they are when the end they ask for is that of a field", () => {
    const field = scroller.node.appendChild(document.createElement("input"));
    scroller.readerScrolls(-200);
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
    scroller.grow(300);
    expect(scroller.gap).toBe(500);
  });
});
