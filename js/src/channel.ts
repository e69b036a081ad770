/** The view's end of the channel to the kernel: sequence numbers, gaps, snapshots in pieces, acknowledgements. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { LazyValues } from "./lazy-values";
import { messageType, readMessage } from "./messages";
import type { KernelMessage, Op, PartMessage, ViewMessage } from "./protocol";
import type { Store } from "./store";

/** A widget model, as the channel needs it. */
export interface Port {
  send(message: ViewMessage): void;
  /** Calls back with each message of the kernel. Returns a function that unsubscribes. */
  listen(receive: (raw: unknown) => void): () => void;
}

export interface ChannelOptions {
  port: Port;
  store: Store;
  /** Called after each message, with the kernel's clock (seconds since the epoch); null if the message has no time. */
  onMessage?: (now: number | null) => void;
  /** Whether the run has ended. */
  isOver?: () => boolean;
}

/** Time after which an unanswered request for a snapshot is repeated; twice as long each time. */
const SNAPSHOT_TIMEOUT_MS = 2000;
const MAX_TRIES = 6;
/** Requests that are repeated at once, where a piece of a snapshot was lost. */
const MAX_IMMEDIATE_TRIES = 3;
/** Time between two acknowledgements at least: each costs the kernel and the page three messages. */
const MIN_ACK_INTERVAL_MS = 2000;
/**
 * Time from the first batch to its acknowledgement. A short answer is over by then, and one acknowledgement is enough. The kernel
 * sends no beats before it, so it must come before the view calls the kernel silent (kernel-liveness.ts).
 */
const FIRST_ACK_MS = 700;
/** A hidden page paints nothing, so it acknowledges after this time. */
const UNPAINTED_ACK_MS = 1000;

type Timer = ReturnType<typeof setTimeout> | undefined;

export class Channel {
  /** Whether the kernel has sent anything that could be shown. */
  readonly answered: ReadonlySignal<boolean>;
  readonly lazyValues: LazyValues;
  /** Messages that were unknown or malformed, counted by their type. */
  readonly ignored = new Map<string, number>();
  readonly #answered: Signal<boolean> = signal(false);
  readonly #port: Port;
  readonly #store: Store;
  readonly #onMessage: (now: number | null) => void;
  readonly #isOver: () => boolean;
  readonly #stopListening: () => void;
  #have = 0;
  #acked = 0;
  /** The pieces of a snapshot that has begun, and the number of the latest. */
  #staged: { seq: number; pieces: (readonly Op[])[] } | null = null;
  /** The request that a snapshot will answer. */
  #asking: ViewMessage | null = null;
  #tries = 0;
  #askTimer: Timer;
  #nextAckAt: number | undefined;
  #frame: number | undefined;
  #ackTimer: Timer;
  #disposed = false;

  constructor({ port, store, onMessage = () => {}, isOver = () => false }: ChannelOptions) {
    this.answered = this.#answered;
    this.#port = port;
    this.#store = store;
    this.#onMessage = onMessage;
    this.#isOver = isOver;
    this.lazyValues = new LazyValues((message) => this.send(message));
    this.#stopListening = port.listen((raw) => this.#receive(raw));
  }

  /** The number of the last batch in the store. */
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
    this.lazyValues.fail("the view is closed");
  }

  #receive(raw: unknown): void {
    const message = readMessage(raw);
    if (message === null) {
      this.#ignore(messageType(raw));
    } else if (message.t === "part") {
      this.lazyValues.receive(message);
      this.#onMessage(null);
    } else {
      this.#take(message);
      this.#onMessage(message.now);
    }
  }

  #ignore(type: string): void {
    const count = this.ignored.get(type) ?? 0;
    this.ignored.set(type, count + 1);
    // biome-ignore lint/suspicious/noConsole: for developers; once for each type, without content
    if (count === 0) console.debug(`nbagent: ignored a message that is unknown or malformed: ${type}`);
  }

  #take(message: Exclude<KernelMessage, PartMessage>): void {
    const { seq } = message;
    const known = this.#staged?.seq ?? this.#have;
    if (seq <= known) {
      // The kernel may not know that everything has arrived.
      if (message.t === "beat" && !this.#staged) this.#scheduleAck(true);
    } else if (message.t === "snapshot" && message.first) {
      this.#stage(seq, [message.ops], message.last);
    } else if (message.t === "beat" || seq > known + 1 || (message.t === "snapshot" && !this.#staged)) {
      this.#gap();
    } else if (this.#staged) {
      this.#staged.pieces.push(message.ops);
      this.#stage(seq, this.#staged.pieces, message.t === "snapshot" && message.last);
    } else {
      this.#show(seq, () => this.#store.apply(message.ops));
    }
  }

  #stage(seq: number, pieces: (readonly Op[])[], last: boolean): void {
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

  /** A message was lost: only a snapshot helps. */
  #gap(): void {
    const torn = this.#staged !== null;
    this.#staged = null;
    if (!this.#asking) this.#ask({ t: "resync" });
    else if (torn && this.#tries < MAX_IMMEDIATE_TRIES) this.#askAgain();
  }

  #ask(message: ViewMessage): void {
    this.#asking = message;
    this.#tries = 0;
    this.#askAgain();
  }

  #askAgain(): void {
    if (this.#asking === null || this.#tries === MAX_TRIES) {
      // The next message after a gap asks anew.
      this.#asking = null;
      return;
    }
    this.#tries += 1;
    this.send(this.#asking);
    this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => this.#askAgain(), SNAPSHOT_TIMEOUT_MS * 2 ** (this.#tries - 1));
  }

  #scheduleAck(again = false): void {
    if (again) this.#acked = -1;
    if (this.#frame !== undefined) return; // it waits for the paint already
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
      if (this.#have === this.#acked) return;
      this.#acked = this.#have;
      this.#nextAckAt = performance.now() + MIN_ACK_INTERVAL_MS;
      this.send({ t: "ack", seq: this.#have });
    };
    // A frame callback runs before its paint; a task queued in it runs after.
    this.#frame = requestAnimationFrame(() => {
      clearTimeout(this.#ackTimer);
      this.#ackTimer = setTimeout(ack);
    });
    this.#ackTimer = setTimeout(ack, UNPAINTED_ACK_MS);
  }

  #cancelAck(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    clearTimeout(this.#ackTimer);
    this.#frame = undefined;
    this.#ackTimer = undefined;
  }
}
