/**
 * History of a transcript: every block as it was after any event. One reading of the run; no moment
 * is kept by itself.
 */

import { readOps } from "../../messages";
import type { Op, PastAnswer } from "../../protocol";
import type { BlockState } from "../../store";
import { num, type PropsOf, str, strings, type Unchecked } from "../../values";

export class History {
  /** Number of the event before the first one that is known. */
  readonly begin: number;
  readonly #blocks = new Map<string, BlockHistory>();
  readonly #types: string[] = [];
  readonly #times: number[] = [];

  /** @param opening - ops that build the transcript after event `begin`. */
  constructor(begin: number, opening: readonly Op[]) {
    this.begin = begin;
    for (const op of opening) this.#add(begin, op);
  }

  /** Number of the last event that is known. */
  get end(): number {
    return this.begin + this.#types.length;
  }

  /** Add the events of an answer that follow the last known one. */
  add({ tags, types, times, steps }: Unchecked<PastAnswer>): void {
    const names = strings(tags);
    let time = 0;
    let grew: readonly [string, string] = ["", ""];
    list(steps).forEach((step, index) => {
      time += num(list(times)[index]) ?? 0;
      this.#types.push(names[num(list(types)[index]) ?? 0] ?? "");
      this.#times.push(time / 1000);
      const ops: Op[] =
        typeof step === "string" ? [["append", ...grew, step]] : readOps(list(step));
      for (const op of ops) {
        if (op[0] === "append") grew = [op[1], op[2]];
        this.#add(this.end, op);
      }
    });
  }

  /** Tag of an event; empty if it is not known. */
  type(number: number): string {
    return this.#types[number - this.begin - 1] ?? "";
  }

  /** Time of an event in seconds since the epoch; null if it is not known. */
  time(number: number): number | null {
    return this.#times[number - this.begin - 1] ?? null;
  }

  /**
   * Number of the next event of these types after (`step` 1) or before (-1) this one; null if none
   * is known.
   */
  next(number: number, step: 1 | -1, types: ReadonlySet<string>): number | null {
    for (let at = number + step; at > this.begin && at <= this.end; at += step)
      if (types.has(this.type(at))) return at;
    return null;
  }

  /**
   * Blocks after this event, parents first. One that has not changed since the last call is the
   * same object.
   */
  at(number: number): BlockState[] {
    const blocks: BlockState[] = [];
    for (const block of this.#blocks.values()) {
      if (block.opened > number) break;
      blocks.push(block.at(number));
    }
    return blocks;
  }

  #add(number: number, op: Op): void {
    const block = this.#blocks.get(op[1]);
    if (op[0] !== "open") block?.add(number, op);
    else if (!block) this.#blocks.set(op[1], new BlockHistory(number, op[1], op[2], op[3]));
  }
}

class BlockHistory {
  readonly #kind: string;
  /** Numbers of the events that changed the block, ascending. */
  readonly #changes: number[] = [];
  readonly #props = new Versions<PropsOf>();
  readonly #texts = new Map<string, Versions<Growth>>();
  #closed = Number.POSITIVE_INFINITY;
  /** State after the first `#made` changes. */
  #state: BlockState | null = null;
  #made = -1;

  constructor(
    readonly opened: number,
    readonly id: string,
    readonly parent: string | null,
    { kind, ...props }: Readonly<Record<string, unknown>>,
  ) {
    this.#kind = str(kind) ?? "unknown";
    this.#props.push(opened, props);
  }

  add(number: number, op: Exclude<Op, { 0: "open" }>): void {
    if (this.#changes.at(-1) !== number) this.#changes.push(number);
    if (op[0] === "close") this.#closed = Math.min(this.#closed, number);
    else if (op[0] === "set") {
      this.#props.push(number, { ...this.#props.last, ...op[2] });
      for (const [field, text] of this.#texts) {
        if (Object.hasOwn(op[2], field)) text.push(number, new Growth(str(op[2][field]) ?? ""));
      }
    } else this.#growth(number, op[2]).append(number, op[3]);
  }

  at(number: number): BlockState {
    const made = countUpTo(this.#changes, number);
    if (this.#state !== null && this.#made === made) return this.#state;
    const { id, parent } = this;
    const texts = [...this.#texts].flatMap(([field, text]) => {
      const growth = text.at(number);
      return growth ? [[field, growth.at(number)]] : [];
    });
    const props = { ...this.#props.at(number), ...Object.fromEntries(texts) };
    this.#made = made;
    this.#state = { id, parent, kind: this.#kind, props, closed: this.#closed <= number };
    return this.#state;
  }

  #growth(number: number, field: string): Growth {
    let text = this.#texts.get(field);
    if (!text) {
      text = new Versions();
      this.#texts.set(field, text);
    }
    if (!text.last)
      text.push(
        number,
        new Growth(str((this.#props.last as Readonly<Record<string, unknown>>)[field]) ?? ""),
      );
    return text.last as Growth;
  }
}

/** Values by the number of the event that each came with. */
class Versions<T> {
  readonly #numbers: number[] = [];
  readonly #values: T[] = [];

  push(number: number, value: T): void {
    this.#numbers.push(number);
    this.#values.push(value);
  }

  get last(): T | undefined {
    return this.#values.at(-1);
  }

  at(number: number): T | undefined {
    return this.#values[countUpTo(this.#numbers, number) - 1];
  }
}

/** A text that only grows: one string, and its length after each event. */
class Growth {
  readonly #start: number;
  readonly #numbers: number[] = [];
  readonly #lengths: number[] = [];
  #text: string;

  constructor(text: string) {
    this.#text = text;
    this.#start = text.length;
  }

  append(number: number, text: string): void {
    this.#text += text;
    this.#numbers.push(number);
    this.#lengths.push(this.#text.length);
  }

  at(number: number): string {
    return this.#text.slice(0, this.#lengths[countUpTo(this.#numbers, number) - 1] ?? this.#start);
  }
}

/** Return the number of the ascending numbers that are at most `limit`. */
function countUpTo(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
