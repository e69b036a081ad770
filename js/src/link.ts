/** What the view knows of the kernel: it speaks, it is silent though it should not be, or it is gone. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

export type LinkState = "live" | "silent" | "gone";

/** Why the kernel is gone. */
export type Loss = "restarted" | "gone";

/** While a run lives the kernel says something at least once a second; a reader is told within two that it does not. */
export const SILENCE_MS = 1800;
/** A timer that is this late says nothing of the kernel: the page was asleep, and its messages are still to be read. */
const ASLEEP_MS = 500;

export class Link {
  readonly state: ReadonlySignal<LinkState>;
  readonly #state: Signal<LinkState> = signal("live");
  /** When the kernel last spoke (or was first spoken to), in milliseconds of this page's clock. */
  heardAt = Date.now();
  loss: Loss = "gone";
  readonly #speaks: () => boolean;
  readonly #onSilence: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param speaks - whether the kernel should be heard: a run lives.
   * @param onSilence - called once as the silence becomes too long.
   */
  constructor(speaks: () => boolean, onSilence: () => void) {
    this.state = this.#state;
    this.#speaks = speaks;
    this.#onSilence = onSilence;
    this.#listen();
  }

  /** The kernel said something. */
  heard(): void {
    this.heardAt = Date.now();
    this.#state.value = "live";
    this.#listen();
  }

  /** The host says that the kernel is no more. */
  lost(loss: Loss): void {
    clearTimeout(this.#timer);
    this.loss = loss;
    this.#state.value = "gone";
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #listen(): void {
    clearTimeout(this.#timer);
    if (!this.#speaks()) return;
    const due = Date.now() + SILENCE_MS;
    this.#timer = setTimeout(() => {
      if (Date.now() > due + ASLEEP_MS) return this.#listen();
      this.#state.value = "silent";
      this.#onSilence();
    }, SILENCE_MS);
  }
}
