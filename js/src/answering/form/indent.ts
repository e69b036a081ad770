/** JSON on lines that are indented, of which the numbers and the order are as they were written. */

import { type Json, write } from "./json";

const LINE_CHARS = 60;

export function indented(json: Json, indent = ""): string {
  const flat = write(json);
  if (json.kind !== "object" && json.kind !== "array") return flat;
  const deeper = `${indent}  `;
  const parts =
    json.kind === "array"
      ? json.items.map((item) => indented(item, deeper))
      : json.members.map(([key, value]) => `${JSON.stringify(key)}: ${indented(value, deeper)}`);
  const line = json.kind === "array" ? `[${parts.join(", ")}]` : `{${parts.join(", ")}}`;
  if (line.length <= LINE_CHARS && !line.includes("\n")) return line;
  const [open, close] = json.kind === "array" ? "[]" : "{}";
  return `${open}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${close}`;
}
