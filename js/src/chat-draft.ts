/**
 * The prompt that is being written in a chat, in every view of the chat, and the earlier versions
 * that are shown.
 */

import { batch, type Signal, signal } from "@preact/signals";
import type { ViewMessage } from "./protocol";
import { type Change, isKind, type Store } from "./store";

/** A file that was dropped on a chat; its data is base64. */
export type DroppedFile = { name: string; media_type: string; data: string };

export interface Draft {
  readonly text: string;
  readonly files: readonly DroppedFile[];
  /** Block of the earlier prompt in whose place it is asked; null for the next one. */
  readonly editing: string | null;
}

/**
 * Time after which a prompt that nobody has taken is given back: a kernel that was restarted
 * elsewhere does not know the chat.
 */
const PATIENCE_MS = 8000;

const EMPTY: Draft = { text: "", files: [], editing: null };

/** Return a key that no other prompt has. `crypto.randomUUID` exists on https pages only. */
function newKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

export class ChatDraft {
  readonly draft: Signal<Draft> = signal(EMPTY);
  /**
   * The draft that was sent and whose prompt is not in the transcript yet; null if there is none.
   */
  readonly sent: Signal<Draft | null> = signal(null);
  /**
   * The draft that was sent, and given back because nobody took it in time; it may still be taken.
   */
  readonly late: Signal<Draft | null> = signal(null);
  #patience: ReturnType<typeof setTimeout> | undefined;
  /** True if the earlier versions are shown. */
  readonly showsEarlier: Signal<boolean> = signal(false);
  readonly #store: Store;
  readonly #send: (message: ViewMessage) => void;
  /** Key of the prompt that was sent last: a server asks a prompt that comes again only once. */
  #key = "";

  constructor(store: Store, send: (message: ViewMessage) => void) {
    this.#store = store;
    this.#send = send;
  }

  change(changed: Partial<Draft>): void {
    this.draft.value = { ...this.draft.peek(), ...changed };
  }

  clear(): void {
    this.draft.value = EMPTY;
  }

  /**
   * Ask what is written. The draft goes when the answer begins, and stays if the kernel did not
   * take it.
   */
  say(): void {
    const draft = this.draft.peek();
    this.#settle(draft);
    this.#patience = setTimeout(() => {
      this.#settle(null);
      this.late.value = draft;
    }, PATIENCE_MS);
    this.#key = newKey();
    this.repeat();
  }

  /** Send the prompt again that may have been lost with a connection. */
  repeat(): void {
    const draft = this.sent.peek() ?? this.late.peek();
    if (draft === null) return;
    const { text, files, editing } = draft;
    this.#send({ t: "say", text, files: [...files], instead_of: editing, key: this.#key });
  }

  /** Let go of a prompt that the server has asked. */
  onSaid(key: string): void {
    if (key !== this.#key) return;
    if (this.draft.peek() === (this.sent.peek() ?? this.late.peek())) this.clear();
    this.#settle(null);
  }

  /** Give the prompt back to the input line: nobody is there to ask it. */
  abandon(): void {
    this.#settle(null);
  }

  /** Note that a prompt is on its way, or that none is any more. */
  #settle(sent: Draft | null): void {
    clearTimeout(this.#patience);
    batch(() => {
      this.sent.value = sent;
      this.late.value = null;
    });
  }

  /** Ask an earlier prompt again, as it was. */
  again(text: string, block: string): void {
    this.draft.value = { ...EMPTY, text, editing: block };
    this.say();
  }

  onChange(changes: readonly Change[]): void {
    const sent = this.sent.peek() ?? this.late.peek();
    if (sent === null) return;
    const root = this.#store.run.peek()?.id;
    const added = changes.filter(({ block, before }) => before === null && block.parent === root);
    if (added.length === 0) return;
    this.#settle(null);
    // Without a prompt it is a warning, which says why the prompt was not taken.
    if (added.some(({ block }) => isKind(block, "prompt")) && this.draft.peek() === sent)
      this.clear();
  }
}
