/** The events that match a filter, read from the kernel a page at a time, where the reader looks. */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { EventsAnswer, Facts, Row } from "./answers";

export const PAGE = 100;
/** Pages that are kept; what is far from the reader is read again when they come back. */
const KEPT = 40;

export class EventRows {
  readonly facts: ReadonlySignal<Facts | null>;
  readonly problem: ReadonlySignal<string | null>;
  /** Counts what has come: rows are read with `row()`. */
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

  /** @param ask - for the rows from this one on, as many as the kernel gives. */
  constructor(ask: (at: number) => Promise<EventsAnswer>) {
    this.facts = this.#facts;
    this.problem = this.#problem;
    this.version = this.#version;
    this.#ask = ask;
  }

  row(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** The reader looks at these rows. */
  look(from: number, to: number): void {
    this.#from = Math.max(0, from);
    this.#to = to;
    void this.#work();
  }

  /** The run has this many events now. */
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

  /** One question after the other, until nothing is missing where the reader looks and the kernel has looked at everything. */
  async #work(): Promise<void> {
    if (this.#working || this.#problem.peek() !== null) return;
    this.#working = true;
    try {
      for (;;) {
        const at = this.#next();
        if (at === null || this.#closed) break;
        const answer = await this.#ask(at);
        // A kernel that has nothing new to say is not asked for ever.
        if (this.#closed || !this.#take(at, answer)) break;
      }
    } catch (error) {
      if (!this.#closed) this.#problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      this.#working = false;
    }
  }

  /** The row to ask for; null if there is nothing to ask. */
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

  /** Whether there is anything new in it. */
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
      if (this.#pages.size <= KEPT) break;
      if ((number + 1) * PAGE <= this.#from || number * PAGE >= this.#to) this.#pages.delete(number);
    }
    batch(() => {
      this.#facts.value = facts;
      this.#version.value += 1;
    });
    return isNew;
  }
}
