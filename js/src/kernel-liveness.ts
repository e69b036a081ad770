/** Liveness of the kernel: live, silent although messages are expected, or gone. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";

export type Liveness = "live" | "silent" | "gone";

/**
 * Why the view has no kernel: it is `gone` or was `restarted`; or the notebook was `closed`, and
 * the view looks for the kernel of the notebook that shows it now, or has found none
 * (`unreachable`).
 */
export type LossReason = "restarted" | "gone" | "closed" | "unreachable";

/**
 * Time without a message after which the kernel counts as silent. During a run it sends one at
 * least every second.
 */
export const SILENCE_TIMEOUT_MS = 1800;
/**
 * A timer that is later than this proves nothing: the page was suspended, and messages may wait to
 * be read.
 */
const SUSPENSION_MS = 500;

export class KernelLiveness {
  readonly state: ReadonlySignal<Liveness>;
  readonly #state: Signal<Liveness> = signal("live");
  /** Time of the last message (or of the view's creation), in milliseconds of this page's clock. */
  lastMessageAt = Date.now();
  readonly loss: Signal<LossReason> = signal("gone");
  readonly #isExpected: () => boolean;
  readonly #onSilence: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param isExpected - whether messages are expected, which is while a run lives.
   * @param onSilence - called once when the kernel has been silent for too long.
   */
  constructor(isExpected: () => boolean, onSilence: () => void) {
    this.state = this.#state;
    this.#isExpected = isExpected;
    this.#onSilence = onSilence;
    this.#restart();
  }

  /** Record that a message has come. */
  onMessage(): void {
    this.lastMessageAt = Date.now();
    this.#state.value = "live";
    this.#restart();
  }

  /** Record that the kernel is gone, as the host reports. */
  onLoss(loss: LossReason): void {
    clearTimeout(this.#timer);
    this.loss.value = loss;
    this.#state.value = "gone";
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (!this.#isExpected()) return;
    const due = Date.now() + SILENCE_TIMEOUT_MS;
    this.#timer = setTimeout(() => {
      if (Date.now() > due + SUSPENSION_MS) return this.#restart();
      this.#state.value = "silent";
      this.#onSilence();
    }, SILENCE_TIMEOUT_MS);
  }
}
