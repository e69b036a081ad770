/** Events that match a filter, read from the kernel page by page as they come into view. */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { EventsAnswer, Facts, Row } from "./answers";

export const PAGE_ROWS = 100;
/** Pages that are kept; the others are read again when they come back into view. */
const MAX_PAGES = 40;

export class EventRows {
  readonly facts: ReadonlySignal<Facts | null>;
  readonly problem: ReadonlySignal<string | null>;
  /** Counter that changes when rows have come; read them with `row()`. */
  readonly version: ReadonlySignal<number>;
  readonly #facts: Signal<Facts | null> = signal(null);
  readonly #problem: Signal<string | null> = signal(null);
  readonly #version = signal(0);
  readonly #ask: (at: number) => Promise<EventsAnswer>;
  readonly #pages = new Map<number, Row[]>();
  #from = 0;
  #to = PAGE_ROWS;
  #count = 0;
  #fetching = false;
  #closed = false;

  /** @param ask - asks the kernel for rows from this one on; it answers with as many as fit. */
  constructor(ask: (at: number) => Promise<EventsAnswer>) {
    this.facts = this.#facts;
    this.problem = this.#problem;
    this.version = this.#version;
    this.#ask = ask;
  }

  row(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS];
  }

  /**
   * Index of the last row that is read whose event is not after this one; null if none is known to
   * be it.
   */
  indexOf(number: number): number | null {
    for (const [page, rows] of this.#pages) {
      const after = rows.findIndex((row) => row.number > number);
      if (after > 0) return page * PAGE_ROWS + after - 1;
      if (after < 0 && rows.at(-1)?.number === number) return page * PAGE_ROWS + rows.length - 1;
    }
    return null;
  }

  /** Set the range of rows that are in view. */
  setRange(from: number, to: number): void {
    this.#from = Math.max(0, from);
    this.#to = to;
    void this.#fetchMissing();
  }

  /** Set the number of events of the run. */
  setEventCount(count: number): void {
    this.#count = Math.max(count, this.#count);
    void this.#fetchMissing();
  }

  /** Ask again after a failure. */
  retry(): void {
    this.#problem.value = null;
    void this.#fetchMissing();
  }

  close(): void {
    this.#closed = true;
  }

  /** Ask until no row in view is missing and the kernel has searched every event. */
  async #fetchMissing(): Promise<void> {
    if (this.#fetching || this.#problem.peek() !== null) return;
    this.#fetching = true;
    try {
      for (;;) {
        const at = this.#nextRow();
        if (at === null || this.#closed) break;
        const answer = await this.#ask(at);
        // Without this, a kernel without news would be asked for ever.
        if (this.#closed || !this.#add(at, answer)) break;
      }
    } catch (error) {
      if (!this.#closed)
        this.#problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      this.#fetching = false;
    }
  }

  /** Index of the next row to ask for; null if there is none. */
  #nextRow(): number | null {
    const facts = this.#facts.peek();
    if (facts === null) return this.#from - (this.#from % PAGE_ROWS);
    const end = Math.min(this.#to, facts.total);
    for (let page = Math.floor(this.#from / PAGE_ROWS); page * PAGE_ROWS < end; page += 1) {
      const have = this.#pages.get(page)?.length ?? 0;
      if (have < Math.min(PAGE_ROWS, facts.total - page * PAGE_ROWS))
        return page * PAGE_ROWS + have;
    }
    return facts.seen < Math.max(facts.count, this.#count) ? facts.total : null;
  }

  /** Add the rows of an answer. Return true if anything is new. */
  #add(at: number, { rows, facts }: EventsAnswer): boolean {
    let isNew = facts.seen !== this.#facts.peek()?.seen;
    rows.forEach((row, i) => {
      const index = at + i;
      const number = Math.floor(index / PAGE_ROWS);
      const page = this.#pages.get(number) ?? [];
      // An answer may begin a page, or go on with one, but leaves no hole.
      if (page.length !== index % PAGE_ROWS) return;
      page.push(row);
      this.#pages.set(number, page);
      isNew = true;
    });
    for (const number of this.#pages.keys()) {
      if (this.#pages.size <= MAX_PAGES) break;
      if ((number + 1) * PAGE_ROWS <= this.#from || number * PAGE_ROWS >= this.#to)
        this.#pages.delete(number);
    }
    batch(() => {
      this.#facts.value = facts;
      this.#version.value += 1;
    });
    return isNew;
  }
}
