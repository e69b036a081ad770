/**
 * A minimal kernel's end of the channel: numbered batches, snapshots in pieces, beats. See
 * nbagent/pump/remote_channel.py.
 */

import { readOps } from "../src/messages";
import type { KernelMessage, Op, ViewMessage } from "../src/protocol";
import { Store } from "../src/store";

/** The ops that build the tree of these blocks. */
export function opening(blocks: readonly unknown[]): Op[] {
  return blocks.flatMap((block): Op[] => {
    const {
      id,
      parent = null,
      closed,
      ...props
    } = block as Record<string, unknown> & { id: string; parent?: string | null };
    const open: Op = ["open", id, parent, props];
    return closed ? [open, ["close", id]] : [open];
  });
}

export class Kernel {
  readonly tree = new Store();
  seq = 0;
  #queue: Op[] = [];
  #redraw = false;
  /** Number of ops of the open snapshot that are still to be sent; null if none is open. */
  #left: number | null = null;
  #first = false;

  constructor(
    private readonly send: (message: KernelMessage) => void,
    private readonly batchOps = 4,
  ) {}

  /** Something happens in the run. */
  emit(...ops: unknown[]): void {
    this.tree.apply(readOps(ops));
    this.#queue.push(...readOps(ops));
  }

  receive(message: ViewMessage): void {
    if (message.t === "hello" || message.t === "resync") this.#redraw = true;
  }

  get idle(): boolean {
    return this.#queue.length === 0 && !this.#redraw && this.#left === null;
  }

  /** Sends one message: a piece of a snapshot, a batch, or a sign of life. */
  tick(): void {
    if (this.#redraw && this.#left === null) {
      this.#redraw = false;
      this.#first = true;
      this.#queue = opening(this.tree.toRecords());
      this.#left = this.#queue.length;
    }
    const ops = this.#queue.splice(0, this.batchOps);
    if (this.#left !== null) {
      this.#left -= ops.length;
      const [first, last] = [this.#first, this.#left <= 0];
      this.#first = false;
      if (last) this.#left = null;
      this.send({ t: "snapshot", seq: ++this.seq, now: 1, first, last, ops });
    } else if (ops.length > 0) {
      this.send({ t: "ops", seq: ++this.seq, now: 1, ops });
    } else {
      this.send({ t: "beat", seq: this.seq, now: 1 });
    }
  }
}

/** Random numbers below 1 that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
