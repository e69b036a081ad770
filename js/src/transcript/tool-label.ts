/** `(column="region", limit=10)`: a tool's arguments on one line. */

import { tool as LABELS } from "../../../nbagent/protocol/labels.json";
import { fill, LIMITS } from "../shared";
import { clip, jsonText, record } from "../values";

const {
  label_value_chars: VALUE_CHARS,
  label_line_chars: LINE_CHARS,
  label_list_items: LIST_ITEMS,
} = LIMITS;

/** The arguments of a finished call; those of a list have no names. */
export function argsLabel(args: unknown): string {
  if (typeof args === "string") return `(${clip(oneLine(args), LINE_CHARS)})`;
  const isList = Array.isArray(args);
  const given = isList ? args : record(args);
  if (given === null)
    return args === null || args === undefined ? "()" : `(${clip(jsonText(args), LINE_CHARS)})`;
  let line = "";
  for (const [name, value] of Object.entries(given)) {
    line += `${line && ", "}${isList ? "" : `${name}=`}${valueLabel(value)}`;
    if (line.length > LINE_CHARS) break;
  }
  return `(${clip(line, LINE_CHARS)})`;
}

/** Arguments that are still being written: as far as they go, with no closing bracket. */
export function partialArgsLabel(text: string): string {
  if (/^\s*[^\s{]/.test(text)) return `(${oneLine(text)}`;
  let line = "";
  let depth = 0;
  let inString = false;
  let escaped = false;
  for (const char of text.slice(0, LINE_CHARS)) {
    if (inString) {
      line += char;
      if (escaped) escaped = false;
      else if (char === "\\") escaped = true;
      else if (char === '"') inString = false;
      continue;
    }
    if (char === "{" || char === "[") depth += 1;
    if (char === "}" || char === "]") depth -= 1;
    if (char === '"') inString = true;
    if (/\s/.test(char)) continue;
    if ((char === "{" && depth === 1) || (char === "}" && depth === 0)) continue;
    if (char === ":" && depth === 1) line = named(line);
    else if (char === "," && depth === 1) line += ", ";
    else line += char;
  }
  return `(${line}`;
}

/** Arguments that are no JSON: code, a command, a patch. */
function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

/** `…, "key"` becomes `…, key=`. */
function named(line: string): string {
  return `${line.replace(/"([^"]*)"$/, "$1")}=`;
}

function valueLabel(value: unknown): string {
  if (typeof value === "string") return jsonText(clip(value, VALUE_CHARS));
  if (Array.isArray(value) && value.length > LIST_ITEMS)
    return fill(LABELS.items, String(value.length));
  return clip(jsonText(value), VALUE_CHARS);
}
