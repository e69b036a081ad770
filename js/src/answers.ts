/**
 * Answers to the questions of a run: what the reader types, and what is on its way to the kernel.
 */

import { type ReadonlySignal, signal } from "@preact/signals";
import type { AnswerMessage } from "./protocol";
import { type Block, type Change, isKind } from "./store";
import { str } from "./values";

export type Answer = Omit<AnswerMessage, "t" | "block">;

export class Answers {
  readonly #open = signal<readonly Block<"approval">[]>([]);
  readonly #sent = signal<ReadonlyMap<string, Answer>>(new Map());
  readonly #send: (message: AnswerMessage) => void;
  readonly #drafts = new WeakMap<Block, Map<string, unknown>>();
  /** The questions without an answer, oldest first. */
  readonly open: ReadonlySignal<readonly Block<"approval">[]> = this.#open;

  constructor(send: (message: AnswerMessage) => void) {
    this.#send = send;
  }

  /**
   * Send an answer. It counts as on its way until the kernel changes the question, or until it must
   * have been lost.
   */
  send(block: Block<"approval">, answer: Answer): void {
    this.#sent.value = new Map(this.#sent.peek()).set(block.id, answer);
    this.#send({ t: "answer", block: block.id, ...answer });
  }

  /** Return the answer that is on its way; null if there is none. */
  sent(block: Block<"approval">): Answer | null {
    return this.#sent.value.get(block.id) ?? null;
  }

  /**
   * Return the reader's input so far, by field. It outlives a panel that is closed, and is lost
   * with the page.
   */
  draft(block: Block<"approval">): Map<string, unknown> {
    let draft = this.#drafts.get(block);
    if (!draft) {
      draft = new Map();
      this.#drafts.set(block, draft);
    }
    return draft;
  }

  /**
   * Take over the changes of a batch, or of a snapshot (`whole`), which an answer that was lost is
   * not in.
   */
  onChange(changes: readonly Change[], whole: boolean): void {
    const open = new Set(whole ? [] : this.#open.peek());
    for (const { block } of changes) {
      if (!isKind(block, "approval")) continue;
      if (isOpen(block)) open.add(block);
      else open.delete(block);
    }
    if (!sameMembers(open, this.#open.peek())) this.#open.value = [...open];
    const sent = [...this.#sent.peek()].filter(
      ([id]) => !whole && !changes.some(({ block }) => block.id === id),
    );
    if (sent.length < this.#sent.peek().size) this.#sent.value = new Map(sent);
  }

  /** Forget the answers that are on their way: the kernel is gone. */
  abandon(): void {
    this.#sent.value = new Map();
  }
}

export function isOpen(block: Block<"approval">): boolean {
  return !block.closed.value && str(block.props.value.decision) === null;
}

function sameMembers<T>(set: ReadonlySet<T>, list: readonly T[]): boolean {
  return set.size === list.length && list.every((member) => set.has(member));
}
