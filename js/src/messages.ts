/** The messages of the channel between kernel and view. JSON only, and never a top-level `id`. */

import { num, type Props, record, str } from "./values";

export type Op =
  | ["open", string, string | null, Props]
  | ["append", string, string, string]
  | ["set", string, Props]
  | ["close", string];

export type BlockRecord = Props & { id: string; parent: string | null; kind: string; closed: boolean };

/** A numbered message: a batch, one piece of a snapshot (`first`, `last`), or a sign of life that carries nothing. */
export interface Batch {
  t: "ops" | "snapshot" | "beat";
  seq: number;
  now: number | null;
  ops: readonly unknown[];
  first: boolean;
  last: boolean;
}

/** One page of a lazy part: `text` starts `at` this character, of `size` in all. */
export interface Part {
  t: "part";
  name: string;
  at: number;
  text: string | null;
  size: number;
  error: string | null;
}

export type ViewMessage =
  | { t: "hello"; have: number }
  | { t: "resync" }
  | { t: "ack"; seq: number }
  | { t: "stop" }
  | { t: "toggle"; block: string; open: boolean }
  | { t: "need"; name: string; at: number };

/** The message, or null if it is not one of ours. */
export function readMessage(raw: unknown): Batch | Part | null {
  const message = record(raw);
  if (message === null) return null;
  const { t, first, last, ops = [] } = message;
  const seq = num(message.seq);
  if ((t === "ops" || t === "snapshot" || t === "beat") && seq !== null && Array.isArray(ops)) {
    return { t, seq, now: num(message.now), ops, first: first === true, last: last === true };
  }
  const name = str(message.name);
  if (t !== "part" || name === null) return null;
  const text = typeof message.text === "string" ? message.text : null;
  const error = text === null ? (str(message.error) ?? "no content") : null;
  return { t, name, at: num(message.at) ?? 0, text, size: num(message.size) ?? text?.length ?? 0, error };
}

/** The op, or null if it is malformed. */
export function readOp(raw: unknown): Op | null {
  if (!Array.isArray(raw) || typeof raw[1] !== "string") return null;
  const [name, id, third, fourth] = raw;
  if (name === "close") return ["close", id];
  if (name === "append") {
    return typeof third === "string" && typeof fourth === "string" ? ["append", id, third, fourth] : null;
  }
  if (name === "set") {
    const props = record(third);
    return props && ["set", id, props];
  }
  if (name === "open") {
    const props = record(fourth);
    return props && ["open", id, typeof third === "string" ? third : null, props];
  }
  return null;
}
