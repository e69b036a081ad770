/**
 * JSON as it is written: numbers keep their digits and objects the order of their keys, which
 * JavaScript's own values do not.
 *
 * A value that is left alone is written back character by character. Format:
 * https://www.rfc-editor.org/rfc/rfc8259
 */

export interface JsonObject {
  readonly kind: "object";
  readonly members: readonly Member[];
  readonly source?: string;
}

export type Member = readonly [key: string, value: Json];

export interface JsonArray {
  readonly kind: "array";
  readonly items: readonly Json[];
  readonly source?: string;
}

/** Any other value: of a string its text, of all others what is written in JSON. */
export interface JsonScalar {
  readonly kind: "string" | "number" | "boolean" | "null";
  readonly text: string;
  readonly source?: string;
}

/** Text that the reader typed and that is no value yet. */
export interface Unfinished {
  readonly kind: "unfinished";
  readonly text: string;
  readonly problem: string;
}

export type Json = JsonObject | JsonArray | JsonScalar | Unfinished;

export const NULL: Json = { kind: "null", text: "null" };

export const string = (text: string): Json => ({ kind: "string", text });
export const boolean = (value: boolean): Json => ({ kind: "boolean", text: String(value) });

/** Depth of nesting that is read. */
const MAX_DEPTH = 200;

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/sy;

/**
 * Read a text.
 *
 * @throws SyntaxError: it is no JSON, or nested too deep.
 */
export function parse(text: string): Json {
  let at = 0;
  const space = () => {
    SPACE.lastIndex = at;
    SPACE.exec(text);
    at = SPACE.lastIndex;
  };
  const fail = (): never => {
    throw new SyntaxError(
      at < text.length ? `not JSON at ${describe(text, at)}` : "not JSON: it ends too early",
    );
  };
  const list = <T>(end: string, item: () => T): T[] => {
    const items: T[] = [];
    at += 1;
    space();
    if (text[at] !== end) {
      for (;;) {
        items.push(item());
        space();
        if (text[at] !== ",") break;
        at += 1;
        space();
      }
      if (text[at] !== end) fail();
    }
    at += 1;
    return items;
  };
  const scalar = (): JsonScalar => {
    SCALAR.lastIndex = at;
    const source = SCALAR.exec(text)?.[0] ?? fail();
    const start = at;
    at += source.length;
    if (source.startsWith('"')) {
      try {
        return { kind: "string", text: JSON.parse(source), source };
      } catch {
        at = start;
        return fail();
      }
    }
    const kind =
      source === "null" ? "null" : source === "true" || source === "false" ? "boolean" : "number";
    return { kind, text: source, source };
  };
  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) throw new SyntaxError(`nested more than ${MAX_DEPTH} deep`);
    const start = at;
    if (text[at] === "[") {
      const items = list("]", () => value(depth + 1));
      return { kind: "array", items, source: text.slice(start, at) };
    }
    if (text[at] !== "{") return scalar();
    const members = list("}", (): Member => {
      if (text[at] !== '"') fail();
      const key = scalar().text;
      space();
      if (text[at] !== ":") fail();
      at += 1;
      space();
      return [key, value(depth + 1)];
    });
    return { kind: "object", members, source: text.slice(start, at) };
  };
  space();
  const whole = value(0);
  space();
  if (at < text.length) fail();
  return whole;
}

function describe(text: string, at: number): string {
  const line = text.slice(0, at).split("\n").length;
  const found = JSON.stringify(text[at]);
  return line > 1 || text.includes("\n") ? `${found} in line ${line}` : `${found}`;
}

/** Return the text of a value; what was left alone is written as it was read. */
export function write(json: Json): string {
  switch (json.kind) {
    case "object":
      return (
        json.source ??
        `{${json.members.map(([key, value]) => `${JSON.stringify(key)}: ${write(value)}`).join(", ")}}`
      );
    case "array":
      return json.source ?? `[${json.items.map(write).join(", ")}]`;
    case "string":
      return json.source ?? JSON.stringify(json.text);
    case "unfinished":
      return JSON.stringify(json.text);
    default:
      return json.text;
  }
}

/**
 * Return the member of that name; undefined if there is none. Of a key that is there twice the last
 * one counts, as elsewhere.
 */
export function member(json: JsonObject, key: string): Json | undefined {
  return json.members.findLast(([name]) => name === key)?.[1];
}

/**
 * Return the object with a member set, at its place or at the end; taken out if the value is
 * undefined.
 */
export function withMember(json: JsonObject, key: string, value: Json | undefined): JsonObject {
  const at = json.members.findLastIndex(([name]) => name === key);
  const members = [...json.members];
  if (value === undefined)
    return { kind: "object", members: members.filter(([name]) => name !== key) };
  if (at < 0) members.push([key, value]);
  else members[at] = [key, value];
  return { kind: "object", members };
}

/**
 * Return true if both are the same value: numbers are compared as numbers, objects without the
 * order of their keys.
 */
export function equal(left: Json, right: Json): boolean {
  if (left.kind === "object" && right.kind === "object") {
    return (
      left.members.length === right.members.length &&
      left.members.every(([key, value]) => {
        const other = member(right, key);
        return other !== undefined && equal(value, other);
      })
    );
  }
  if (left.kind === "array" && right.kind === "array") {
    return (
      left.items.length === right.items.length &&
      left.items.every((item, index) => {
        const other = right.items[index];
        return other !== undefined && equal(item, other);
      })
    );
  }
  if (
    left.kind === "object" ||
    left.kind === "array" ||
    right.kind === "object" ||
    right.kind === "array"
  )
    return false;
  if (left.kind !== right.kind) return false;
  return (
    left.text === right.text ||
    (left.kind === "number" && isSafe(left.text) && Number(left.text) === Number(right.text))
  );
}

/** Return true if JavaScript has that number. */
function isSafe(text: string): boolean {
  return Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER;
}
