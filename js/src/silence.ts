/**
 * Questions to a silent kernel: repeated at growing intervals, and earlier at a sign that the
 * connection is back.
 */

/** Silence after which the first question is asked. */
const FIRST_QUESTION_MS = 8000;
/**
 * Time to the second question; twice as long each time. The channel itself repeats a question for
 * two minutes.
 */
const SECOND_QUESTION_MS = 150_000;
/** Time between two questions at least, whatever signs there are; twice as long each time. */
const MIN_INTERVAL_MS = 5000;

export class SilenceQuestions {
  readonly #ask: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param ask - asks the kernel for all. */
  constructor(ask: () => void) {
    this.#ask = ask;
    document.addEventListener("visibilitychange", this.#onWake);
    window.addEventListener("online", this.#onWake);
  }

  /** Begin to ask: the kernel is silent. */
  start(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#question(), FIRST_QUESTION_MS);
  }

  /** End: the kernel has answered, or is gone. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asked = 0;
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Ask now, since the kernel shows life or the reader comes back, unless it was asked just now.
   */
  hasten(): void {
    const interval = MIN_INTERVAL_MS * 2 ** Math.max(0, this.#asked - 1);
    if (this.#timer !== undefined && Date.now() - this.#askedAt >= interval) this.#question();
  }

  dispose(): void {
    this.stop();
    document.removeEventListener("visibilitychange", this.#onWake);
    window.removeEventListener("online", this.#onWake);
  }

  readonly #onWake = () => {
    if (document.visibilityState === "visible") this.hasten();
  };

  #question(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#question(), SECOND_QUESTION_MS * 2 ** this.#asked);
    this.#asked += 1;
    this.#askedAt = Date.now();
    this.#ask();
  }
}
