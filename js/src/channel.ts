/** The channel to the kernel: sequence numbers, gaps, acknowledgements, lazy parts. */

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { readMessage, type ViewMessage } from "./messages";
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
  /** Called with the kernel's clock (seconds since the epoch) as a message is received. */
  onTime?: (now: number) => void;
}

/** How long the kernel may take to answer before the reader is told, and how often it is asked again. */
const PATIENCE_MS = 5000;
const TRIES = 6;
/** The least time between two acknowledgements: each costs the kernel and the page three messages. */
const ACK_MS = 2000;
/** A hidden page paints nothing: it acknowledges by this timer instead, so that the kernel never waits for ever. */
const UNPAINTED_MS = 1000;

interface Waiting {
  resolve(text: string): void;
  reject(error: Error): void;
}

export class Channel {
  /** True once the kernel has said anything that could be shown. */
  readonly answered: ReadonlySignal<boolean>;
  /** True while a question to the kernel has gone unanswered for too long. */
  readonly silent: ReadonlySignal<boolean>;
  readonly #answered: Signal<boolean> = signal(false);
  readonly #silent: Signal<boolean> = signal(false);
  readonly #port: Port;
  readonly #store: Store;
  readonly #onTime: (now: number) => void;
  readonly #stopListening: () => void;
  readonly #parts = new Map<string, Promise<string>>();
  readonly #waiting = new Map<string, Waiting>();
  #have = 0;
  #acked = 0;
  #ackedAt = Number.NEGATIVE_INFINITY;
  #resyncing = false;
  #askedAt = 0;
  #askTimer: ReturnType<typeof setTimeout> | undefined;
  #frame: number | undefined;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #disposed = false;

  constructor({ port, store, onTime = () => {} }: ChannelOptions) {
    this.answered = this.#answered;
    this.silent = this.#silent;
    this.#port = port;
    this.#store = store;
    this.#onTime = onTime;
    this.#stopListening = port.listen((raw) => this.#receive(raw));
  }

  /** The last batch the store has. */
  get have(): number {
    return this.#have;
  }

  /** Says hello and asks for a snapshot. */
  start(): void {
    this.#ask({ t: "hello", have: this.#have });
  }

  /** Asks for a snapshot and drops batches until it is there. */
  resync(): void {
    this.#resyncing = true;
    this.#ask({ t: "resync" });
  }

  send(message: ViewMessage): void {
    if (!this.#disposed) this.#port.send(message);
  }

  /** The text of a lazy part; asked for once, and again only after a failure. */
  part(name: string): Promise<string> {
    let part = this.#parts.get(name);
    if (!part) {
      part = new Promise<string>((resolve, reject) => {
        if (this.#disposed) reject(new Error(`${name}: the view is closed`));
        this.#waiting.set(name, { resolve, reject });
        this.send({ t: "need", name });
      });
      part.catch(() => this.#parts.delete(name));
      this.#parts.set(name, part);
    }
    return part;
  }

  dispose(): void {
    this.#disposed = true;
    this.#stopListening();
    this.#answer();
    this.#cancelAck();
    for (const [name, { reject }] of this.#waiting) reject(new Error(`${name}: the view is closed`));
    this.#waiting.clear();
  }

  #receive(raw: unknown): void {
    const message = readMessage(raw);
    if (message === null) return;
    if (message.t === "part") {
      const waiting = this.#waiting.get(message.name);
      this.#waiting.delete(message.name);
      if (message.text !== null) waiting?.resolve(message.text);
      else waiting?.reject(new Error(`${message.name}: ${message.error}`));
      return;
    }
    if (message.now !== null) this.#onTime(message.now);
    if (message.t === "snapshot") {
      // An answer that was overtaken by later batches would take the store back.
      if (this.#resyncing || message.seq >= this.#have) {
        this.#store.load(message.blocks);
        this.#have = message.seq;
      }
      this.#resyncing = false;
      this.#acked = Math.min(this.#acked, this.#have - 1);
    } else if (this.#resyncing) {
      // The answer to a resync can be lost too.
      if (Date.now() - this.#askedAt > PATIENCE_MS) this.resync();
      return;
    } else if (message.seq > this.#have + 1) {
      this.resync();
      return;
    } else if (message.seq === this.#have + 1) {
      this.#store.apply(message.ops);
      this.#have = message.seq;
    }
    this.#answer();
    this.#answered.value = true;
    this.#scheduleAck();
  }

  /** Asks a question that a snapshot answers; asks again, ever more slowly, a few times. */
  #ask(message: ViewMessage, tries = TRIES, patience = PATIENCE_MS): void {
    clearTimeout(this.#askTimer);
    this.#askedAt = Date.now();
    this.send(message);
    this.#askTimer = setTimeout(() => {
      this.#silent.value = true;
      if (tries > 1) this.#ask(message, tries - 1, patience * 2);
    }, patience);
  }

  #answer(): void {
    clearTimeout(this.#askTimer);
    this.#silent.value = false;
  }

  #scheduleAck(): void {
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
