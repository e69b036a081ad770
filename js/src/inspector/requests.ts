/** Requests to the model: reads the kernel's answers. See nbagent/protocol/inspection.py. */

import type {
  RequestDetail,
  RequestPart,
  RequestsAnswer,
  RequestRow as WireRow,
} from "../protocol";
import type { Session } from "../session";
import { count, num, record, str, type Unchecked } from "../values";

export interface RequestRow {
  number: number;
  step: number;
  /** Empty if it is not known. */
  agent: string;
  model: string;
  started: number;
  /** Null while the response goes on. */
  seconds: number | null;
  status: number | null;
  problem: string | null;
  input: number;
  estimated: boolean;
  output: number | null;
  changes: string;
}

export interface InputPart {
  kind: string;
  part: string;
  label: string;
  head: string;
  size: number;
  tokens: number | null;
  isNew: boolean;
}

export interface Detail {
  row: RequestRow;
  url: string;
  /** Why the parts are not shown; null if they are. */
  hidden: string | null;
  earlier: number;
  /** True if it can be sent again. */
  canSend: boolean;
  parts: InputPart[];
}

/**
 * Return all rows: those of before whose responses are over, and from there on the kernel's, an
 * answer after the other.
 */
export async function askRequests(
  session: Session,
  before: readonly RequestRow[],
): Promise<RequestRow[]> {
  const open = before.findIndex(({ seconds }) => seconds === null);
  const rows = open < 0 ? [...before] : before.slice(0, open);
  for (;;) {
    const { text } = await session.channel.lazyValues.page(
      `requests/${(rows.at(-1)?.number ?? 0) + 1}`,
    );
    const answer: Unchecked<RequestsAnswer> = record(JSON.parse(text)) ?? {};
    const more = Array.isArray(answer.rows) ? answer.rows.map(readRow) : [];
    rows.push(...more);
    if (more.length === 0 || (rows.at(-1)?.number ?? 0) >= (num(answer.last) ?? 0)) return rows;
  }
}

export async function askDetail(session: Session, number: number): Promise<Detail> {
  const text = await session.channel.lazyValues.whole(`request/${number}`);
  const detail: Unchecked<RequestDetail> = record(JSON.parse(text)) ?? {};
  return {
    row: readRow(detail.row),
    url: str(detail.url) ?? "",
    hidden: str(detail.hidden),
    earlier: num(detail.earlier) ?? 0,
    canSend: detail.can_send === true,
    parts: Array.isArray(detail.parts) ? detail.parts.map(readInputPart) : [],
  };
}

function readRow(raw: unknown): RequestRow {
  const row: Unchecked<WireRow> = record(raw) ?? {};
  return {
    number: num(row.number) ?? 0,
    step: num(row.step) ?? 0,
    agent: str(row.agent) ?? "",
    model: str(row.model) ?? "",
    started: num(row.started) ?? 0,
    seconds: num(row.seconds),
    status: num(row.status),
    problem: str(row.problem),
    input: num(row.input) ?? 0,
    estimated: row.estimated === true,
    output: num(row.output),
    changes: str(row.changes) ?? "",
  };
}

function readInputPart(raw: unknown): InputPart {
  const part: Unchecked<RequestPart> = record(raw) ?? {};
  return {
    kind: str(part.kind) ?? "",
    part: str(part.part) ?? "",
    label: str(part.label) ?? "",
    head: str(part.head) ?? "",
    size: num(part.size) ?? 0,
    tokens: num(part.tokens),
    isNew: part.new === true,
  };
}

/** `1,284 in`; with a tilde where it is an estimate. */
export function inputLabel({ input, estimated }: RequestRow): string {
  return `${estimated ? "~" : ""}${count(input)} in`;
}

/** `200`, `429`, `ConnectError`; an ellipsis while there is no response. */
export function outcome({ status, problem }: RequestRow): string {
  const name = problem?.split(":", 1)[0] ?? "";
  return (
    [status === null ? "" : String(status), name].filter((text) => text !== "").join(" ") || "…"
  );
}

export function hasFailed({ status, problem }: RequestRow): boolean {
  return problem !== null || (status !== null && status >= 400);
}

export interface Share {
  name: string;
  label: string;
  tokens: number;
}

/** The tokens of a request by kinds of parts, in the order in which the model reads them. */
export function shares({ parts, earlier }: Detail): Share[] {
  const sum = (wanted: (part: InputPart) => boolean) =>
    parts.filter(wanted).reduce((all, { tokens }) => all + (tokens ?? 0), 0);
  const list: [string, string, number][] = [
    ["instructions", "instructions", sum(isInstruction)],
    ["tools", "tools", sum(({ kind }) => kind === "tool")],
    ["format", "form of the answer", sum(({ kind }) => kind === "format")],
    ["earlier", "kept by the service", earlier],
    [
      "before",
      parts.some(({ isNew }) => isNew) ? "messages as before" : "messages",
      sum((part) => part.kind === "message" && !isInstruction(part) && !part.isNew),
    ],
    [
      "new",
      "new messages",
      sum((part) => part.kind === "message" && !isInstruction(part) && part.isNew),
    ],
  ];
  return list
    .filter(([, , tokens]) => tokens > 0)
    .map(([name, label, tokens]) => ({ name, label, tokens }));
}

function isInstruction({ kind, label }: InputPart): boolean {
  return (
    kind === "instructions" || (kind === "message" && (label === "system" || label === "developer"))
  );
}

/**
 * The request whose response a block of the transcript came in: the last that was sent before it;
 * null if there is none.
 */
export function requestOf(rows: readonly RequestRow[], started: number | null): number | null {
  if (started === null) return null;
  return rows.filter((row) => row.started <= started).at(-1)?.number ?? null;
}
