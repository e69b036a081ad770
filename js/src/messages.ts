/** The messages of the channel between kernel and view. JSON only, and never a top-level `id`. */

import { num, type Props, record, str } from "./values";

export type Op =
  | ["open", string, string | null, Props]
  | ["append", string, string, string]
  | ["set", string, Props]
  | ["close", string];

export type BlockRecord = Props & { id: string; parent: string | null; kind: string; closed: boolean };

export type KernelMessage =
  | { t: "ops"; seq: number; now: number | null; ops: readonly unknown[] }
  | { t: "snapshot"; seq: number; now: number | null; blocks: readonly unknown[] }
  | { t: "part"; name: string; text: string | null; error: string | null };

export type ViewMessage =
  | { t: "hello"; have: number }
  | { t: "resync" }
  | { t: "ack"; seq: number }
  | { t: "stop" }
  | { t: "toggle"; block: string; open: boolean }
  | { t: "need"; name: string };

/** The message, or null if it is not one of ours. */
export function readMessage(raw: unknown): KernelMessage | null {
  const message = record(raw);
  if (message === null) return null;
  const now = num(message.now);
  const seq = num(message.seq);
  if (message.t === "ops" && seq !== null && Array.isArray(message.ops)) {
    return { t: "ops", seq, now, ops: message.ops };
  }
  if (message.t === "snapshot" && seq !== null && Array.isArray(message.blocks)) {
    return { t: "snapshot", seq, now, blocks: message.blocks };
  }
  const name = str(message.name);
  if (message.t === "part" && name !== null) {
    const text = typeof message.text === "string" ? message.text : null;
    return { t: "part", name, text, error: text === null ? (str(message.error) ?? "no content") : null };
  }
  return null;
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

/** The block of a snapshot, or null if it is malformed. */
export function readBlock(raw: unknown): BlockRecord | null {
  const block = record(raw);
  if (block === null || typeof block.id !== "string") return null;
  return {
    ...block,
    id: block.id,
    parent: typeof block.parent === "string" ? block.parent : null,
    kind: str(block.kind) ?? "unknown",
    closed: block.closed === true,
  };
}
