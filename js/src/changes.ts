/**
 * Differences between the arguments that a reader was asked about and those of the answer, as text.
 */

import { approval as LABELS } from "../../nbagent/protocol/labels.json";
import { fill, LIMITS } from "./shared";
import { clip, jsonText, type PropsOf, record } from "./values";

/**
 * The changes that an answer makes, `limit: 1000 → 10`, or the input that it gives; none where
 * there is nothing of either.
 */
export function changes({ approval_kind: kind, args, value }: PropsOf<"approval">): string[] {
  if (value === null || value === undefined) return [];
  if (kind === "input" || kind === "auth" || record(args) === null || record(value) === null)
    return [shown(value)];
  const found = differences(args, value, "");
  const rest = found.length - LIMITS.label_changes;
  return rest > 0
    ? [...found.slice(0, LIMITS.label_changes), fill(LABELS.more, String(rest))]
    : found;
}

function differences(before: unknown, after: unknown, path: string): string[] {
  const [left, right] = [record(before), record(after)];
  if (left === null || right === null) {
    const [old, made] = [jsonText(before), jsonText(after)];
    return old === made ? [] : [fill(LABELS.changed, path, shown(before), shown(after))];
  }
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) => {
    const name = path ? `${path}.${key}` : key;
    if (!Object.hasOwn(right, key)) return [fill(LABELS.removed, name)];
    if (!Object.hasOwn(left, key)) return [fill(LABELS.added, name, shown(right[key]))];
    return differences(left[key], right[key], name);
  });
}

function shown(value: unknown): string {
  return clip(typeof value === "string" ? value : jsonText(value), LIMITS.label_value_chars);
}
