/**
 * Stubs of browser APIs that jsdom lacks. It lays nothing out, so that an observer has nothing to
 * report.
 */

class SilentResizeObserver implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

globalThis.ResizeObserver ??= SilentResizeObserver;
