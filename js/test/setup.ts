/** What a browser has and jsdom lacks. Nothing is laid out in jsdom, so that an observer has nothing to report. */

class SilentResizeObserver implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

globalThis.ResizeObserver ??= SilentResizeObserver;
