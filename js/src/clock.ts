/** The kernel's time, as a signal that ticks once a second while somebody looks at it. */

import { type ReadonlySignal, signal } from "@preact/signals";

export class Clock {
  readonly #now = signal(Date.now() / 1000);
  readonly now: ReadonlySignal<number> = this.#now;
  #offset: number | null = null;
  #stoppedAt: number | null = null;
  #watchers = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Learns the kernel's time. A delayed message looks like a slow kernel clock, so that the largest offset is the truest. */
  sync(kernelNow: number): void {
    const offset = kernelNow - Date.now() / 1000;
    if (this.#offset !== null && offset <= this.#offset) return;
    this.#offset = offset;
    this.#tick();
  }

  /** Stops at this moment of the page's clock (seconds since the epoch), or goes on. */
  stop(at: number | null): void {
    this.#stoppedAt = at;
    this.#tick();
  }

  /** Keeps the clock ticking until the returned function is called. */
  watch(): () => void {
    this.#watchers += 1;
    this.#timer ??= setInterval(() => this.#tick(), 1000);
    this.#tick();
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#watchers -= 1;
      if (this.#watchers > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #tick(): void {
    this.#now.value = (this.#stoppedAt ?? Date.now() / 1000) + (this.#offset ?? 0);
  }
}
