/** Data that kernel and view share, the JSON files in nbagent/protocol, and helpers to read it. */

import limits from "../../nbagent/protocol/limits.json";

/** Limits by name; the name ends with the unit. */
export const LIMITS = limits;

/** Set of the words in a space-separated list. */
export function wordSet(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}

/** The label with each `{}` replaced by a value, in order. */
export function fill(label: string, ...values: string[]): string {
  return label
    .split("{}")
    .map((fixed, index) => fixed + (values[index] ?? ""))
    .join("");
}
