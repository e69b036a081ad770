/** Reading values that came over the wire: a saved notebook can hold anything, so that nothing is trusted to have its type. */

export type Props = Readonly<Record<string, unknown>>;

/** The string, or null for anything else and for an empty one. Of one too big to travel with its block: its head. */
export function str(value: unknown): string | null {
  if (typeof value === "string") return value || null;
  const { part, head } = record(value) ?? {};
  return part && typeof head === "string" && head ? `${head}…` : null;
}

/** The finite number, or null for anything else. */
export function num(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** The plain object, or null for anything else (arrays included). */
export function record(value: unknown): Props | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Props) : null;
}

/** The link's address if it is one a reader may be sent to: http and https only. */
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
