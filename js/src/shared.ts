/** Helpers for the data that kernel and view both read: the JSON files in nbagent/protocol. */

import limits from "../../nbagent/protocol/limits.json";

/** Limits that both languages keep, by name; a name says its unit. */
export const LIMITS = limits;

/** The words of a space-separated list. */
export function words(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}

/** The label with each `{}` replaced by a value, in order. */
export function fill(label: string, ...values: string[]): string {
  return label
    .split("{}")
    .map((fixed, index) => fixed + (values[index] ?? ""))
    .join("");
}
