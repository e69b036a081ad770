/** The events that match a filter, read from the kernel page by page where the reader looks. */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { EventsAnswer, Facts, Row } from "./answers";

export const PAGE = 100;
/** Pages that are kept; those far from the reader are read again when they scroll back. */
const MAX_PAGES = 40;

export class EventRows {
  readonly facts: ReadonlySignal<Facts | null>;
  readonly problem: ReadonlySignal<string | null>;
  /** Changes whenever rows have come; they are read with `row()`. */
  readonly version: ReadonlySignal<number>;
  readonly #facts: Signal<Facts | null> = signal(null);
  readonly #problem: Signal<string | null> = signal(null);
  readonly #version = signal(0);
  readonly #ask: (at: number) => Promise<EventsAnswer>;
  readonly #pages = new Map<number, Row[]>();
  #from = 0;
  #to = PAGE;
  #count = 0;
  #working = false;
  #closed = false;

  /** @param ask - asks the kernel for rows from this one on; it answers with as many as fit. */
  constructor(ask: (at: number) => Promise<EventsAnswer>) {
    this.facts = this.#facts;
    this.problem = this.#problem;
    this.version = this.#version;
    this.#ask = ask;
  }

  row(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Tells which rows are in sight. */
  look(from: number, to: number): void {
    this.#from = Math.max(0, from);
    this.#to = to;
    void this.#work();
  }

  /** Tells how many events the run has. */
  grow(count: number): void {
    this.#count = Math.max(count, this.#count);
    void this.#work();
  }

  /** Asks again after a failure. */
  retry(): void {
    this.#problem.value = null;
    void this.#work();
  }

  close(): void {
    this.#closed = true;
  }

  /** Asks until no row in sight is missing and the kernel has searched every event. */
  async #work(): Promise<void> {
    if (this.#working || this.#problem.peek() !== null) return;
    this.#working = true;
    try {
      for (;;) {
        const at = this.#next();
        if (at === null || this.#closed) break;
        const answer = await this.#ask(at);
        // Without this, a kernel without news would be asked for ever.
        if (this.#closed || !this.#take(at, answer)) break;
      }
    } catch (error) {
      if (!this.#closed) this.#problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      this.#working = false;
    }
  }

  /** The row to ask for; null if there is nothing to ask for. */
  #next(): number | null {
    const facts = this.#facts.peek();
    if (facts === null) return this.#from - (this.#from % PAGE);
    const end = Math.min(this.#to, facts.total);
    for (let page = Math.floor(this.#from / PAGE); page * PAGE < end; page += 1) {
      const have = this.#pages.get(page)?.length ?? 0;
      if (have < Math.min(PAGE, facts.total - page * PAGE)) return page * PAGE + have;
    }
    return facts.seen < Math.max(facts.count, this.#count) ? facts.total : null;
  }

  /** Takes an answer; returns whether it has anything new. */
  #take(at: number, { rows, facts }: EventsAnswer): boolean {
    let isNew = facts.seen !== this.#facts.peek()?.seen;
    rows.forEach((row, i) => {
      const index = at + i;
      const number = Math.floor(index / PAGE);
      const page = this.#pages.get(number) ?? [];
      // An answer may begin a page, or go on with one, but leaves no hole.
      if (page.length !== index % PAGE) return;
      page.push(row);
      this.#pages.set(number, page);
      isNew = true;
    });
    for (const number of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) break;
      if ((number + 1) * PAGE <= this.#from || number * PAGE >= this.#to) this.#pages.delete(number);
    }
    batch(() => {
      this.#facts.value = facts;
      this.#version.value += 1;
    });
    return isNew;
  }
}
