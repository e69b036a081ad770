/**
 * Readers of the kernel's messages. Nothing is trusted to have its type: a malformed message must
 * not break the view.
 */

import type { KernelMessage, Op, OpsMessage } from "./protocol";
import { num, record, type Unchecked } from "./values";

type MessageType = KernelMessage["t"];
type Message<T extends MessageType> = Extract<KernelMessage, { t: T }>;

/** One reader for each type of message, so that a new one does not compile without it. */
const READERS: { [T in MessageType]: (fields: Unchecked<Message<T>>) => Message<T> | null } = {
  ops(fields) {
    const head = readHead(fields);
    return head && Array.isArray(fields.ops)
      ? { t: "ops", ...head, ops: readOps(fields.ops) }
      : null;
  },
  snapshot(fields) {
    const head = readHead(fields);
    if (head === null || !Array.isArray(fields.ops)) return null;
    const { first, last, ops } = fields;
    return {
      t: "snapshot",
      ...head,
      first: first === true,
      last: last === true,
      ops: readOps(ops as unknown[]),
    };
  },
  beat(fields) {
    const head = readHead(fields);
    return head && { t: "beat", ...head };
  },
  part({ name, at, text, size, error }) {
    if (typeof name !== "string" || typeof at !== "number") return null;
    if (typeof text === "string" && typeof size === "number")
      return { t: "part", name, at, text, size };
    return { t: "part", name, at, error: typeof error === "string" ? error : "no content" };
  },
  said: ({ key }) => (typeof key === "string" ? { t: "said", key } : null),
};

/** Return the message, or null if it is unknown or malformed. */
export function readMessage(raw: unknown): KernelMessage | null {
  const fields: Unchecked<KernelMessage> | null = record(raw);
  if (fields === null || !isMessageType(fields.t)) return null;
  return READERS[fields.t](fields);
}

/** Type of a message that cannot be read, for a log: it holds no content, which may be secret. */
export function messageType(raw: unknown): string {
  const { t }: Unchecked<KernelMessage> = record(raw) ?? {};
  return typeof t === "string" && /^[a-z_.-]{1,32}$/.test(t) ? t : `<${typeof raw}>`;
}

/** Ops of a list, without malformed ones. */
export function readOps(list: readonly unknown[]): Op[] {
  return list.map(readOp).filter((op) => op !== null);
}

function isMessageType(t: unknown): t is MessageType {
  return typeof t === "string" && Object.hasOwn(READERS, t);
}

function readHead({ seq, now }: Unchecked<OpsMessage>): { seq: number; now: number } | null {
  const [number, time] = [num(seq), num(now)];
  return number === null || time === null ? null : { seq: number, now: time };
}

function readOp(raw: unknown): Op | null {
  if (!Array.isArray(raw) || typeof raw[1] !== "string") return null;
  const [name, id, third, fourth] = raw as [keyof typeof OP_READERS, string, unknown, unknown];
  return Object.hasOwn(OP_READERS, name) ? OP_READERS[name](id, third, fourth) : null;
}

/** One reader for each op. */
const OP_READERS: { [N in Op[0]]: (id: string, third: unknown, fourth: unknown) => Op | null } = {
  open(id, parent, props) {
    const checked = record(props);
    return checked && ["open", id, typeof parent === "string" ? parent : null, checked];
  },
  append(id, field, text) {
    return typeof field === "string" && typeof text === "string"
      ? ["append", id, field, text]
      : null;
  },
  set(id, props) {
    const checked = record(props);
    return checked && ["set", id, checked];
  },
  close: (id) => ["close", id],
};
