/** The channel to the kernel: sequence numbers, gaps, snapshots in pieces, acknowledgements. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Batch, readMessage, type ViewMessage } from "./messages";
import { Parts } from "./parts";
import type { Store } from "./store";

/** What the channel needs of a widget model. */
export interface Port {
  send(message: ViewMessage): void;
  /** Calls back with each message of the kernel. Returns the way to unsubscribe. */
  listen(receive: (raw: unknown) => void): () => void;
}

export interface ChannelOptions {
  port: Port;
  store: Store;
  /** Called after each message, with the kernel's clock (seconds since the epoch) where the message told it. */
  onWord?: (now: number | null) => void;
}

/** How long a question may go unanswered before it is asked again; twice as long each time. */
const PATIENCE_MS = 2000;
const TRIES = 6;
/** Snapshots that were torn on their way are asked for again at once, but not for ever. */
const HASTY_TRIES = 3;
/** The least time between two acknowledgements: each costs the kernel and the page three messages. */
const ACK_MS = 2000;
/** A hidden page paints nothing: it acknowledges by this timer instead, so that the kernel never waits for ever. */
const UNPAINTED_MS = 1000;

type Timer = ReturnType<typeof setTimeout> | undefined;

export class Channel {
  /** True once the kernel has said anything that could be shown. */
  readonly answered: ReadonlySignal<boolean>;
  readonly parts: Parts;
  readonly #answered: Signal<boolean> = signal(false);
  readonly #port: Port;
  readonly #store: Store;
  readonly #onWord: (now: number | null) => void;
  readonly #stopListening: () => void;
  #have = 0;
  #acked = 0;
  /** The pieces of a snapshot that has begun, and the number of the last of them. */
  #staged: { seq: number; pieces: (readonly unknown[])[] } | null = null;
  /** The question that a snapshot will answer. */
  #asking: ViewMessage | null = null;
  #tries = 0;
  #askTimer: Timer;
  #ackedAt = Number.NEGATIVE_INFINITY;
  #frame: number | undefined;
  #ackTimer: Timer;
  #disposed = false;

  constructor({ port, store, onWord = () => {} }: ChannelOptions) {
    this.answered = this.#answered;
    this.#port = port;
    this.#store = store;
    this.#onWord = onWord;
    this.parts = new Parts((message) => this.send(message));
    this.#stopListening = port.listen((raw) => this.#receive(raw));
  }

  /** The last batch the store has. */
  get have(): number {
    return this.#have;
  }

  /** Says hello and asks for a snapshot. */
  hello(): void {
    this.#ask({ t: "hello", have: this.#have });
  }

  send(message: ViewMessage): void {
    if (!this.#disposed) this.#port.send(message);
  }

  dispose(): void {
    this.#disposed = true;
    this.#stopListening();
    clearTimeout(this.#askTimer);
    this.#cancelAck();
    this.parts.fail("the view is closed");
  }

  #receive(raw: unknown): void {
    const message = readMessage(raw);
    if (message === null) return;
    if (message.t === "part") this.parts.receive(message);
    else this.#take(message);
    this.#onWord(message.t === "part" ? null : message.now);
  }

  #take({ t, seq, ops, first, last }: Batch): void {
    const known = this.#staged?.seq ?? this.#have;
    if (t === "beat" && seq <= known) {
      // The kernel may not know that all has arrived.
      if (!this.#staged) this.#scheduleAck(true);
    } else if (seq <= known) {
      return;
    } else if (first) {
      this.#stage(seq, [ops], last);
    } else if (t === "beat" || seq > known + 1 || (t === "snapshot" && !this.#staged)) {
      this.#gap();
    } else if (this.#staged) {
      this.#staged.pieces.push(ops);
      this.#stage(seq, this.#staged.pieces, last);
    } else {
      this.#show(seq, () => this.#store.apply(ops));
    }
  }

  #stage(seq: number, pieces: (readonly unknown[])[], last: boolean): void {
    this.#staged = last ? null : { seq, pieces };
    if (last) this.#show(seq, () => this.#store.load(pieces.flat()));
    else if (this.#asking) this.#wait();
  }

  #show(seq: number, draw: () => void): void {
    draw();
    this.#have = seq;
    this.#asking = null;
    this.#tries = 0;
    clearTimeout(this.#askTimer);
    this.#answered.value = true;
    this.#scheduleAck();
  }

  /** Something was lost: only a snapshot helps. */
  #gap(): void {
    const torn = this.#staged !== null;
    this.#staged = null;
    if (!this.#asking) this.#ask({ t: "resync" });
    else if (torn && this.#tries < HASTY_TRIES) this.#askAgain();
  }

  #ask(message: ViewMessage): void {
    this.#asking = message;
    this.#tries = 0;
    this.#askAgain();
  }

  #askAgain(): void {
    if (this.#asking === null || this.#tries === TRIES) {
      // The next word of the kernel that does not fit asks anew.
      this.#asking = null;
      return;
    }
    this.#tries += 1;
    this.send(this.#asking);
    this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => this.#askAgain(), PATIENCE_MS * 2 ** (this.#tries - 1));
  }

  #scheduleAck(again = false): void {
    if (again) this.#acked = -1;
    if (this.#ackTimer !== undefined) return;
    const ack = () => {
      this.#cancelAck();
      if (this.#have === this.#acked) return;
      this.#acked = this.#have;
      this.#ackedAt = performance.now();
      this.send({ t: "ack", seq: this.#have });
    };
    const ackPaint = () => {
      // A frame callback runs before its paint; a task queued in it runs after.
      this.#frame = requestAnimationFrame(() => {
        clearTimeout(this.#ackTimer);
        this.#ackTimer = setTimeout(ack);
      });
      this.#ackTimer = setTimeout(ack, UNPAINTED_MS);
    };
    const rest = this.#ackedAt + ACK_MS - performance.now();
    if (rest > 0) this.#ackTimer = setTimeout(ackPaint, rest);
    else ackPaint();
  }

  #cancelAck(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    clearTimeout(this.#ackTimer);
    this.#frame = undefined;
    this.#ackTimer = undefined;
  }
}
