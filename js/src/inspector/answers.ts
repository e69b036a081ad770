/** What the kernel answers to the inspector's questions; see nbagent/inspector/inspector.py. */

import type { Session } from "../session";
import { num, record, str } from "../values";

export interface Filter {
  /** An event's tag, or the family of several: `tool.*`; empty for any. */
  type: string;
  text: string;
  /** The id of a block, and its kind. */
  block: string;
  kind: string;
}

export interface Row {
  number: number;
  /** Null: the event is no longer kept. */
  time: number | null;
  type: string;
  summary: string;
}

export interface Facts {
  /** Events that match, as far as the kernel has looked. */
  total: number;
  /** Events that the kernel has looked at, of `count` in all. */
  seen: number;
  count: number;
  types: readonly (readonly [type: string, count: number])[];
}

export interface EventsAnswer {
  rows: Row[];
  facts: Facts;
}

export function askEvents(session: Session, filter: Filter, at: number): Promise<EventsAnswer> {
  return session.channel.lazyValues
    .page(`events/${JSON.stringify({ ...filter, at })}`)
    .then(({ text }) => readEvents(text));
}

export function readEvents(text: string): EventsAnswer {
  const answer = record(JSON.parse(text)) ?? {};
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
      types: Object.entries(record(answer.types) ?? {}).map(([type, count]) => [type, num(count) ?? 0]),
    },
  };
}
