/**
 * Channel to the kernel, the view's end: sequence numbers, gaps, snapshots in pieces,
 * acknowledgements.
 */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { LazyValues } from "./lazy-values";
import { messageType, readMessage } from "./messages";
import type { KernelMessage, Op, PartMessage, SaidMessage, ViewMessage } from "./protocol";
import type { Store } from "./store";

/** The part of a widget model that the channel uses. */
export interface Port {
  send(message: ViewMessage): void;
  /** Call back with each message of the kernel. Return a function that unsubscribes. */
  listen(receive: (raw: unknown) => void): () => void;
}

export interface ChannelOptions {
  port: Port;
  store: Store;
  /**
   * Called after each message, with the kernel's clock (seconds since the epoch); null if the
   * message has no time.
   */
  onMessage?: (now: number | null) => void;
  /** Called with the key of a prompt that the server has asked. */
  onSaid?: (key: string) => void;
  /** Returns true if the run has ended. */
  isOver?: () => boolean;
}

/** Time after which an unanswered request for a snapshot is repeated; twice as long each time. */
const SNAPSHOT_TIMEOUT_MS = 2000;
const MAX_REQUESTS = 6;
/** Number of requests that are repeated at once when a piece of a snapshot was lost. */
const MAX_IMMEDIATE_REQUESTS = 3;
/**
 * Time between two acknowledgements at least: each costs the kernel and the page three messages.
 */
const MIN_ACK_INTERVAL_MS = 2000;
/** Time from the first batch to its acknowledgement. A short answer is over by then. */
const FIRST_ACK_MS = 700;
/** A hidden page paints nothing, so it acknowledges after this time. */
const HIDDEN_PAGE_ACK_MS = 1000;

type Timer = ReturnType<typeof setTimeout> | undefined;

export class Channel {
  /** True once the kernel has sent a batch or a snapshot. */
  readonly answered: ReadonlySignal<boolean>;
  readonly lazyValues: LazyValues;
  /** Number of unknown or malformed messages, by type. */
  readonly ignored = new Map<string, number>();
  readonly #answered: Signal<boolean> = signal(false);
  readonly #port: Port;
  readonly #store: Store;
  readonly #onMessage: (now: number | null) => void;
  readonly #onSaid: (key: string) => void;
  readonly #isOver: () => boolean;
  readonly #stopListening: () => void;
  #lastSeq = 0;
  #ackedSeq = 0;
  /** Pieces of a snapshot that is not complete, and the number of the latest one. */
  #staged: { seq: number; pieces: (readonly Op[])[] } | null = null;
  /** Request for a snapshot that is not answered yet. */
  #request: ViewMessage | null = null;
  #tries = 0;
  #requestTimer: Timer;
  #nextAckAt: number | undefined;
  /** True if the view has sent a message: only then the kernel waits for the last acknowledgement. */
  #spoke = false;
  #frame: number | undefined;
  #ackTimer: Timer;
  #disposed = false;

  constructor({
    port,
    store,
    onMessage = () => {},
    onSaid = () => {},
    isOver = () => false,
  }: ChannelOptions) {
    this.answered = this.#answered;
    this.#port = port;
    this.#store = store;
    this.#onMessage = onMessage;
    this.#onSaid = onSaid;
    this.#isOver = isOver;
    this.lazyValues = new LazyValues((message) => this.send(message));
    this.#stopListening = port.listen((raw) => this.#receive(raw));
  }

  /** Number of the last batch in the store; 0 for none. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Say hello and ask for a snapshot. */
  hello(): void {
    this.#requestSnapshot({ t: "hello", have: this.#lastSeq });
  }

  send(message: ViewMessage): void {
    if (this.#disposed) return;
    this.#spoke = true;
    this.#port.send(message);
  }

  dispose(): void {
    this.#disposed = true;
    this.#stopListening();
    clearTimeout(this.#requestTimer);
    this.#cancelAck();
    this.lazyValues.fail("the view is closed");
  }

  #receive(raw: unknown): void {
    const message = readMessage(raw);
    if (message === null) {
      this.#ignore(messageType(raw));
    } else if (message.t === "part") {
      this.lazyValues.receive(message);
      this.#onMessage(null);
    } else if (message.t === "said") {
      this.#onSaid(message.key);
      this.#onMessage(null);
    } else {
      this.#handle(message);
      this.#onMessage(message.now);
    }
  }

  #ignore(type: string): void {
    const count = this.ignored.get(type) ?? 0;
    this.ignored.set(type, count + 1);
    if (count === 0) {
      // biome-ignore lint/suspicious/noConsole: for developers; once for each type, without content
      console.debug(`nbagent: ignored a message that is unknown or malformed: ${type}`);
    }
  }

  #handle(message: Exclude<KernelMessage, PartMessage | SaidMessage>): void {
    const { seq } = message;
    const known = this.#staged?.seq ?? this.#lastSeq;
    if (seq <= known) {
      // The kernel may not know that everything has arrived.
      if (message.t === "beat" && !this.#staged) this.#scheduleAck(true);
    } else if (message.t === "snapshot" && message.first) {
      this.#stage(seq, [message.ops], message.last);
    } else if (
      message.t === "beat" ||
      seq > known + 1 ||
      (message.t === "snapshot" && !this.#staged)
    ) {
      this.#onGap();
    } else if (this.#staged) {
      this.#staged.pieces.push(message.ops);
      this.#stage(seq, this.#staged.pieces, message.t === "snapshot" && message.last);
    } else {
      this.#commit(seq, () => this.#store.apply(message.ops));
    }
  }

  #stage(seq: number, pieces: (readonly Op[])[], last: boolean): void {
    this.#staged = last ? null : { seq, pieces };
    if (last) this.#commit(seq, () => this.#store.load(pieces.flat()));
    else if (this.#request) this.#startTimeout();
  }

  #commit(seq: number, draw: () => void): void {
    draw();
    this.#lastSeq = seq;
    this.#request = null;
    this.#tries = 0;
    clearTimeout(this.#requestTimer);
    this.#answered.value = true;
    this.#scheduleAck();
  }

  /** A message was lost: only a snapshot helps. */
  #onGap(): void {
    const interrupted = this.#staged !== null;
    this.#staged = null;
    if (!this.#request) this.#requestSnapshot({ t: "resync" });
    else if (interrupted && this.#tries < MAX_IMMEDIATE_REQUESTS) this.#sendRequest();
  }

  #requestSnapshot(message: ViewMessage): void {
    this.#request = message;
    this.#tries = 0;
    this.#sendRequest();
  }

  #sendRequest(): void {
    if (this.#request === null || this.#tries === MAX_REQUESTS) {
      // The next message after a gap asks anew.
      this.#request = null;
      return;
    }
    this.#tries += 1;
    this.send(this.#request);
    this.#startTimeout();
  }

  #startTimeout(): void {
    clearTimeout(this.#requestTimer);
    this.#requestTimer = setTimeout(
      () => this.#sendRequest(),
      SNAPSHOT_TIMEOUT_MS * 2 ** (this.#tries - 1),
    );
  }

  #scheduleAck(again = false): void {
    if (again) this.#ackedSeq = -1;
    if (this.#frame !== undefined) return; // it waits for the paint already
    if (this.#isOver() && !this.#spoke && !again) {
      this.#cancelAck();
      return;
    }
    this.#nextAckAt ??= performance.now() + FIRST_ACK_MS;
    // The kernel sends beats after the end of a run until the last batch is acknowledged.
    const rest = this.#isOver() ? 0 : this.#nextAckAt - performance.now();
    if (rest <= 0) {
      this.#cancelAck();
      this.#ackWhenPainted();
    } else {
      this.#ackTimer ??= setTimeout(() => this.#ackWhenPainted(), rest);
    }
  }

  #ackWhenPainted(): void {
    const ack = () => {
      this.#cancelAck();
      if (this.#lastSeq === this.#ackedSeq) return;
      this.#ackedSeq = this.#lastSeq;
      this.#nextAckAt = performance.now() + MIN_ACK_INTERVAL_MS;
      this.send({ t: "ack", seq: this.#lastSeq });
    };
    // A frame callback runs before its paint; a task queued in it runs after.
    this.#frame = requestAnimationFrame(() => {
      clearTimeout(this.#ackTimer);
      this.#ackTimer = setTimeout(ack);
    });
    this.#ackTimer = setTimeout(ack, HIDDEN_PAGE_ACK_MS);
  }

  #cancelAck(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    clearTimeout(this.#ackTimer);
    this.#frame = undefined;
    this.#ackTimer = undefined;
  }
}
