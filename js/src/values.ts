/** Reads values that came over the wire. A saved notebook can hold anything, so nothing is trusted to have its type. */

export type Props = Readonly<Record<string, unknown>>;

/** The fields of `T`, with values that have not been checked: the names are typed, the values are read by `str`, `num`, … */
export type Unchecked<T> = { readonly [Name in keyof T]?: unknown };

/** The string; null for anything else and for an empty one. For a string too large to travel with its block, its head. */
export function str(value: unknown): string | null {
  if (typeof value === "string") return value || null;
  const { part, head } = record(value) ?? {};
  return part && typeof head === "string" && head ? `${head}…` : null;
}

/** The finite number; null for anything else. */
export function num(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** The plain object; null for anything else, arrays included. */
export function record(value: unknown): Props | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Props) : null;
}

/** The URL if a link may lead to it, that is, for http and https; null for anything else. */
export function webAddress(value: unknown): URL | null {
  const text = str(value);
  if (text === null || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === "https:" || url.protocol === "http:" ? url : null;
}

/** The text, cut to `limit` characters with an ellipsis. */
export function clip(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

/** `JSON.stringify` that always gives a string. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent) ?? "null";
}
