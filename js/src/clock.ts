/**
 * The kernel's time as a signal that ticks once a second while it is watched. All clocks of a page
 * share one timer.
 */

import { computed, type ReadonlySignal, signal } from "@preact/signals";

const TICK_MS = 1000;

/** This page's time in seconds since the epoch, as of the last tick. */
const pageNow = signal(Date.now() / 1000);
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  pageNow.value = Date.now() / 1000;
}

export class Clock {
  readonly #offset = signal<number | null>(null);
  readonly #stoppedAt = signal<number | null>(null);
  /** Kernel time in seconds since the epoch. */
  readonly now: ReadonlySignal<number> = computed(
    () => (this.#stoppedAt.value ?? pageNow.value) + (this.#offset.value ?? 0),
  );

  /**
   * Set the offset from the kernel's time. A delayed message looks like a slow clock, so the
   * largest offset is the most accurate.
   */
  sync(kernelNow: number): void {
    const offset = kernelNow - Date.now() / 1000;
    const known = this.#offset.peek();
    if (known !== null && offset <= known) return;
    tick();
    this.#offset.value = offset;
  }

  /**
   * Stop the clock at a moment of the page's time (seconds since the epoch), or let it run again if
   * null.
   */
  stop(at: number | null): void {
    tick();
    this.#stoppedAt.value = at;
  }

  /** Keep the clock ticking until the returned function is called. */
  watch(): () => void {
    watchers += 1;
    timer ??= setInterval(() => document.hidden || tick(), TICK_MS);
    tick();
    let released = false;
    return () => {
      if (released) return;
      released = true;
      watchers -= 1;
      if (watchers > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }
}
