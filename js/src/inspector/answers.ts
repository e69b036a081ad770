/**
 * Client of the kernel's inspector: asks for the events of a run and reads the answers. See
 * nbagent/protocol/inspection.py.
 */

import type { EventsQuestion, EventsAnswer as WireAnswer } from "../protocol";
import type { Session } from "../session";
import { num, record, str, type Unchecked } from "../values";

export type Filter = Required<Omit<EventsQuestion, "at">>;

export interface Row {
  number: number;
  /** Seconds since the epoch; null if the event is no longer kept. */
  time: number | null;
  type: string;
  summary: string;
}

export interface Facts {
  /** Number of matching events so far. */
  total: number;
  /** Number of events that the kernel has searched, of `count` in all. */
  seen: number;
  count: number;
  types: readonly (readonly [type: string, count: number])[];
}

export interface EventsAnswer {
  rows: Row[];
  facts: Facts;
}

export function askEvents(session: Session, filter: Filter, at: number): Promise<EventsAnswer> {
  const question: EventsQuestion = { ...filter, at };
  return session.channel.lazyValues
    .page(`events/${JSON.stringify(question)}`)
    .then(({ text }) => readEvents(text));
}

export function readEvents(text: string): EventsAnswer {
  const answer: Unchecked<WireAnswer> = record(JSON.parse(text)) ?? {};
  const rows = Array.isArray(answer.rows) ? answer.rows : [];
  return {
    rows: rows.filter(Array.isArray).map(([number, time, type, summary]) => ({
      number: num(number) ?? 0,
      time: num(time),
      type: str(type) ?? "",
      summary: str(summary) ?? "",
    })),
    facts: {
      total: num(answer.total) ?? 0,
      seen: num(answer.seen) ?? 0,
      count: num(answer.count) ?? 0,
      types: Object.entries(record(answer.types) ?? {}).map(([type, count]) => [
        type,
        num(count) ?? 0,
      ]),
    },
  };
}
