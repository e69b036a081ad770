/** The rows of a map, read from the kernel as they come into view, and again when they change. */

import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { RowsAnswer, RowsQuestion, TableRow } from "../protocol";
import type { Session } from "../session";
import { num, record, str, type Unchecked } from "../values";

/** Order and filters of the rows, as the reader has chosen them. */
export type Wish = Required<Omit<RowsQuestion, "at" | "rows">>;

export const ALL: Wish = { sort: "", down: false, filter: "", tool: "", text: "" };

export interface Row {
  number: number;
  label: string;
  item: string;
  answer: string;
  status: string;
  asks: boolean;
  restored: boolean;
  toolsFailed: number;
  tokens: number | null;
  seconds: number | null;
  cost: number | null;
  scores: readonly unknown[];
}

export interface RowsPage {
  version: number;
  total: number;
  rows: Row[];
}

/** Rows that one question asks for at most. */
const MAX_ROWS = 100;

export async function askRows(session: Session, question: RowsQuestion): Promise<RowsPage> {
  const { text } = await session.channel.lazyValues.page(`rows/${JSON.stringify(question)}`);
  const answer: Unchecked<RowsAnswer> = record(JSON.parse(text)) ?? {};
  const rows: unknown[] = Array.isArray(answer.rows) ? answer.rows : [];
  return {
    version: num(answer.version) ?? 0,
    total: num(answer.total) ?? 0,
    rows: rows.map(readRow),
  };
}

function readRow(value: unknown): Row {
  const row: Unchecked<TableRow> = record(value) ?? {};
  return {
    number: num(row.row) ?? 0,
    label: str(row.label) ?? "",
    item: str(row.item) ?? "",
    answer: str(row.answer) ?? "",
    status: str(row.status) ?? "",
    asks: row.asks === true,
    restored: row.restored === true,
    toolsFailed: num(row.tools_failed) ?? 0,
    tokens: num(row.tokens),
    seconds: num(row.seconds),
    cost: num(row.cost),
    scores: Array.isArray(row.scores) ? row.scores : [],
  };
}

export class RowPages {
  /** Number of rows that fit the wish; null before the first answer. */
  readonly total: ReadonlySignal<number | null>;
  readonly problem: ReadonlySignal<string | null>;
  /** Counter that changes when rows have come; read them with `row()`. */
  readonly changes: ReadonlySignal<number>;
  readonly #total: Signal<number | null>;
  readonly #problem: Signal<string | null> = signal(null);
  readonly #changes = signal(0);
  readonly #ask: (question: RowsQuestion) => Promise<RowsPage>;
  readonly #rows = new Map<number, { row: Row; version: number }>();
  #wish = ALL;
  #version = 0;
  /** Version of an answer without rows; -1 after one that had some. */
  #emptyVersion = -1;
  #from = 0;
  #to = 0;
  #asking = false;
  #closed = false;

  /** @param all - number of all rows, as far as it is known. */
  constructor(ask: (question: RowsQuestion) => Promise<RowsPage>, all: number | null = null) {
    this.#ask = ask;
    this.#total = signal(all);
    this.total = this.#total;
    this.problem = this.#problem;
    this.changes = this.#changes;
  }

  get wish(): Wish {
    return this.#wish;
  }

  row(index: number): Row | undefined {
    return this.#rows.get(index)?.row;
  }

  /** Index of the row of this number; null if it does not fit the wish, or was not read yet. */
  indexOf(number: number): number | null {
    if (this.#wish === ALL) return number;
    for (const [index, { row }] of this.#rows) if (row.number === number) return index;
    return null;
  }

  /** Set the range of rows that are in view. */
  setRange(from: number, to: number): void {
    this.#from = from;
    this.#to = to;
    void this.#readOn();
  }

  /** Ask for other rows, or for the same ones in another order. */
  setWish(wish: Wish): void {
    this.#wish = JSON.stringify(wish) === JSON.stringify(ALL) ? ALL : wish;
    this.#rows.clear();
    this.#emptyVersion = -1;
    void this.#readOn();
  }

  /** Set the version of the table: rows in view that are older are read again. */
  setVersion(version: number): void {
    this.#version = Math.max(version, this.#version);
    void this.#readOn();
  }

  /** Ask again after a failure. */
  retry(): void {
    this.#problem.value = null;
    void this.#readOn();
  }

  close(): void {
    this.#closed = true;
  }

  /** Ask, one question at a time, until all rows in view are those of now. */
  async #readOn(): Promise<void> {
    if (this.#asking || this.#problem.peek() !== null) return;
    this.#asking = true;
    try {
      for (let at = this.#next(); at !== null && !this.#closed; at = this.#next()) {
        const wish = this.#wish;
        const rows = Math.min(MAX_ROWS, this.#to - at);
        const page = await this.#ask({ ...wish, at, rows });
        if (wish === this.#wish && !this.#add(at, page)) break;
      }
    } catch (error) {
      this.#problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      this.#asking = false;
    }
  }

  /** Index of the next row to ask for; null if there is none. */
  #next(): number | null {
    const total = this.#total.peek();
    if (total === 0) return this.#emptyVersion < this.#version ? 0 : null;
    const end = Math.min(this.#to, total ?? this.#to);
    for (let at = this.#from; at < end; at += 1)
      if ((this.#rows.get(at)?.version ?? -1) < this.#version) return at;
    return null;
  }

  /** Add the rows of an answer. Return false if another question would bring nothing new. */
  #add(at: number, { version, total, rows }: RowsPage): boolean {
    const before = this.#total.peek() ?? 0;
    rows.forEach((row, i) => {
      this.#rows.set(at + i, { row, version });
    });
    for (let index = total; index < before; index += 1) this.#rows.delete(index);
    this.#version = Math.max(version, this.#version);
    this.#emptyVersion = total === 0 ? version : -1;
    batch(() => {
      this.#total.value = total;
      this.#changes.value += 1;
    });
    return rows.length > 0 || total < before || (total === 0 && version === this.#version);
  }
}
