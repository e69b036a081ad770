/** Tree view of a JSON value: children are drawn when they are first opened, a page at a time. */

import { useState } from "preact/hooks";
import { LIMITS } from "../shared";
import { clip, count, jsonText } from "../values";
import { Icon } from "./icons";
import { InkedJson } from "./inked-json";

const PAGE_ENTRIES = 100;
const STRING_CHARS = 400;
const PREVIEW_CHARS = 80;

/** Any JSON value: on one line if it is small, else as a tree. */
export function JsonView({ value }: { value: unknown }) {
  if (typeof value !== "object" || value === null) {
    return (
      <div class="nb-pre">
        <Leaf value={value} />
      </div>
    );
  }
  const line = jsonLine(value);
  if (line !== null) {
    return (
      <div class="nb-pre">
        <InkedJson text={line} />
      </div>
    );
  }
  return (
    <div class="nb-pre nb-tree">
      <Children value={value} />
    </div>
  );
}

function Children({ value }: { value: object }) {
  const [shown, setShown] = useState(PAGE_ENTRIES);
  const keys = Object.keys(value);
  const values = value as Record<string, unknown>;
  const rest = keys.length - shown;
  return (
    <ul>
      {keys.slice(0, shown).map((key) => (
        <Entry key={key} name={key} value={values[key]} />
      ))}
      {rest > 0 && (
        <li>
          <button type="button" class="nb-link" onClick={() => setShown(shown + PAGE_ENTRIES)}>
            {rest === 1 ? "1 more" : `${count(rest)} more`}
          </button>
        </li>
      )}
    </ul>
  );
}

function Entry({ name, value }: { name: string; value: unknown }) {
  const [open, setOpen] = useState(false);
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    return (
      <li>
        <span class="nb-json-key">{name}</span>: <Leaf value={value} />
      </li>
    );
  }
  return (
    <li>
      <button type="button" class="nb-tree-row" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="chevron" />
        <span>
          <span class="nb-json-key">{name}</span>:{" "}
          <span class="nb-muted">{open ? size(value) : preview(value)}</span>
        </span>
      </button>
      {open && <Children value={value} />}
    </li>
  );
}

function Leaf({ value }: { value: unknown }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return <span class="nb-json-literal">{jsonText(value)}</span>;
  if (whole || value.length <= STRING_CHARS)
    return <span class="nb-json-string">{jsonText(value)}</span>;
  return (
    <span class="nb-json-string">
      {jsonText(value.slice(0, STRING_CHARS))}
      <button type="button" class="nb-link" onClick={() => setWhole(true)}>
        {count(value.length - STRING_CHARS)} more characters
      </button>
    </span>
  );
}

function size(value: object): string {
  const length = Object.keys(value).length;
  if (Array.isArray(value)) return `${length} ${length === 1 ? "item" : "items"}`;
  return `${length} ${length === 1 ? "key" : "keys"}`;
}

/** The first few entries on one line, without walking a large value. */
function preview(value: object): string {
  const isArray = Array.isArray(value);
  let text = "";
  for (const [key, item] of Object.entries(value).slice(0, 6)) {
    const nested = typeof item === "object" && item !== null;
    const shown = nested
      ? Array.isArray(item)
        ? "[…]"
        : "{…}"
      : jsonText(typeof item === "string" ? clip(item, 40) : item);
    text += `${text && ", "}${isArray ? "" : `${key}: `}${shown}`;
    if (text.length > PREVIEW_CHARS) break;
  }
  return `${isArray ? "[" : "{"}${clip(text, PREVIEW_CHARS)}${isArray ? "]" : "}"} ${size(value)}`;
}

/**
 * JSON on one line with the spaces that a reader expects, `{"a": 1, "b": [2, 3]}`; null if that is
 * too long for a line.
 */
export function jsonLine(value: unknown): string | null {
  if (!isSmall(value)) return null;
  // A newline is never inside a JSON string, so that only the layout is touched.
  const layout = /([{[])\n\s*|\n\s*([}\]])|\n\s*/g;
  const line = jsonText(value, 1).replace(
    layout,
    (_, opening, closing) => opening ?? closing ?? " ",
  );
  return [...line].length <= LIMITS.json_line_chars ? line : null;
}

/**
 * Return false if the JSON takes more than a line; stop counting then. Each entry takes two
 * characters at least.
 */
function isSmall(value: unknown): boolean {
  let budget = LIMITS.json_line_chars;
  const visit = (item: unknown): boolean => {
    if (typeof item === "string") budget -= item.length / 2;
    else if (typeof item === "object" && item !== null) {
      for (const [key, child] of Object.entries(item)) {
        budget -= Array.isArray(item) ? 2 : key.length / 2 + 2;
        if (budget < 0 || !visit(child)) return false;
      }
    }
    return budget >= 0;
  };
  return visit(value);
}
