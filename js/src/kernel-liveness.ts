/** Whether the kernel is alive: it sends messages, it is silent although it should not be, or it is gone. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

export type Liveness = "live" | "silent" | "gone";

/** Why the kernel is gone. */
export type Loss = "restarted" | "gone";

/** While a run lives, the kernel sends a message at least once a second; after this time without one it counts as silent. */
export const SILENCE_MS = 1800;
/** A timer that is later than this proves nothing: the page was suspended, and messages may wait to be read. */
const SUSPENDED_MS = 500;

export class KernelLiveness {
  readonly state: ReadonlySignal<Liveness>;
  readonly #state: Signal<Liveness> = signal("live");
  /** Time of the last message (or of the view's creation), in milliseconds of this page's clock. */
  heardAt = Date.now();
  loss: Loss = "gone";
  readonly #isExpected: () => boolean;
  readonly #onSilence: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param isExpected - whether messages are expected, because a run lives.
   * @param onSilence - called once when the kernel has been silent for too long.
   */
  constructor(isExpected: () => boolean, onSilence: () => void) {
    this.state = this.#state;
    this.#isExpected = isExpected;
    this.#onSilence = onSilence;
    this.#restart();
  }

  /** A message has come. */
  heard(): void {
    this.heardAt = Date.now();
    this.#state.value = "live";
    this.#restart();
  }

  /** The host has told that the kernel is gone. */
  lost(loss: Loss): void {
    clearTimeout(this.#timer);
    this.loss = loss;
    this.#state.value = "gone";
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (!this.#isExpected()) return;
    const due = Date.now() + SILENCE_MS;
    this.#timer = setTimeout(() => {
      if (Date.now() > due + SUSPENDED_MS) return this.#restart();
      this.#state.value = "silent";
      this.#onSilence();
    }, SILENCE_MS);
  }
}
