/**
 * Healing of streamed Markdown: a half-written construct at the end of the text is held back or
 * drawn as if it were finished.
 */

import { LIMITS } from "../shared";
import { MATH_CLOSE, matchMath, mathOpener, type Token } from "./grammar";

// A last line that may still become a marker: list bullet, number, rule, heading, fence opener,
// table row, quote, task box.
const FORMING =
  /^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*(?:[-+*=_|:~`#\s]*|\d{1,9}[.)]?|\[[ xX]?\]?\s*|(?:`{3,}|~{3,})[^`]*|\${1,2}|\\\[?|!?\[|<)$/;
const MAX_FORMING_CHARS = 200;

/** Drop the unfinished last line while it may still turn into a block marker. */
export function holdForming(source: string): string {
  const start = source.lastIndexOf("\n") + 1;
  const line = source.slice(start);
  return line.length <= MAX_FORMING_CHARS && FORMING.test(line) ? source.slice(0, start) : source;
}

/** Return the inline token that further text may extend, or undefined. */
export function growingLeaf(tokens: Token[], source: string): Token | undefined {
  const lines = source.split("\n").length - (source.endsWith("\n") ? 1 : 0);
  let index = tokens.length - 1;
  while (index >= 0 && tokens[index]?.nesting !== 0) index--;
  const leaf = tokens[index];
  if (leaf?.type !== "inline") return undefined;
  if (leaf.map) {
    const open = tokens[index - 1]?.type === "paragraph_open" || !source.endsWith("\n");
    return open && leaf.map[1] >= lines ? leaf : undefined;
  }
  // A table cell. The cells that a short row lacks are empty; the last other one is being written.
  if (source.endsWith("\n")) return undefined;
  for (; index >= 0 && tokens[index]?.type !== "tr_open"; index--) {
    const cell = tokens[index];
    if (cell?.type === "inline" && cell.content) return cell;
  }
  return undefined;
}

/** Drop a last line that may be the header of a table whose delimiter row has not come yet. */
function holdTableHeader(paragraph: string): string {
  const start = paragraph.lastIndexOf("\n") + 1;
  return paragraph.startsWith("|", start) ? paragraph.slice(0, Math.max(0, start - 1)) : paragraph;
}

/** Inline text made presentable, and whether it now ends in math that is still being written. */
export interface Healed {
  text: string;
  halfMath: boolean;
}

/**
 * Make inline text that is still being written presentable: close code, show the label of a
 * half-written link, hide a half-written image, report half-written math. Open emphasis is left to
 * the grammar.
 */
function heal(text: string): Healed {
  const brackets: number[] = [];
  const done = (shown: string, halfMath = false): Healed => ({
    text: halfMath ? shown : dropLastDelimiters(withoutBrackets(shown, brackets)),
    halfMath,
  });
  if (/^\[[^\]]*\]:/.test(text) && !text.includes("\n")) return { text: "", halfMath: false };
  for (let i = 0; i < text.length; ) {
    const char = text[i];
    if (char === "\\" || char === "$") {
      const step = healMath(text, i);
      if (typeof step !== "number") return done(step.text, step.halfMath);
      i = step;
    } else if (char === "`") {
      const run = /^`+/.exec(text.slice(i, i + 100))?.[0] ?? "`";
      const close = closingRun(text, i + run.length, run.length);
      if (close < 0) {
        const body = text.slice(i + run.length).replace(/`+$/, "");
        return done(body.trim() ? text.slice(0, i) + run + body + run : text.slice(0, i));
      }
      i = close;
    } else if (char === "<" && /^<[a-z][a-z0-9+.-]+:[^\s<>]*$/i.test(text.slice(i, i + 2000))) {
      return done(text.slice(0, i) + text.slice(i + 1));
    } else if (char === "[") {
      brackets.push(i++);
    } else if (char === "]" && brackets.length > 0) {
      const open = brackets.pop() ?? 0;
      const end = linkEnd(text, i + 1);
      if (end === "open") {
        if (text[open - 1] === "!") return done(text.slice(0, open - 1));
        return done(text.slice(0, open) + text.slice(open + 1, i));
      }
      i = end;
    } else {
      i++;
    }
  }
  return done(text);
}

// Step over math or an escape that begins here, or end the text there.
function healMath(text: string, at: number): number | Healed {
  const found = matchMath(text, at);
  if (found) return found.end;
  const before = text.slice(0, at);
  const open = mathOpener(text, at);
  if (!open) return at + 1 < text.length ? at + 2 : { text: before, halfMath: false };
  const rest = text.slice(at + open.length);
  if (open === "$") {
    const touchesWord = /[\p{L}\p{N}]$/u.test(before.slice(-2));
    if (touchesWord || /[$\n]/.test(rest) || /^[\s\d]/.test(rest)) return at + 1;
    if (/[\\^_{]/.test(rest)) return { text: `${before}$${rest}$`, halfMath: true };
    return /\s/.test(rest) ? at + 1 : { text: before, halfMath: false };
  }
  const close = MATH_CLOSE[open];
  if (rest.length > LIMITS.inline_tex_chars || rest.includes(close)) return at + 2;
  const tex = rest.replace(/[\\$]$/, "");
  return /[\p{L}\p{N}]/u.test(tex)
    ? { text: before + open + tex + close, halfMath: true }
    : { text: before, halfMath: false };
}

function closingRun(text: string, from: number, length: number): number {
  for (let i = text.indexOf("`", from); i >= 0; i = text.indexOf("`", i)) {
    const start = i;
    while (text[i] === "`") i++;
    if (i - start === length) return i;
  }
  return -1;
}

// The end of the link whose label ends just before `at`, or "open" while it may still grow.
function linkEnd(text: string, at: number): number | "open" {
  if (at >= text.length) return "open";
  if (text[at] === "[") {
    const close = text.indexOf("]", at);
    return close < 0 ? (text.length - at < 100 ? "open" : at) : close + 1;
  }
  if (text[at] !== "(") return at;
  let depth = 0;
  let quote = "";
  for (let i = at; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char === "\\") i++;
    else if (quote) quote = char === quote ? "" : quote;
    else if (/\s/.test(char) && i > at + 1) {
      const next = text.slice(i).trimStart()[0] ?? "";
      if (next === '"' || next === "'") {
        i = text.indexOf(next, i);
        quote = next;
      } else if (next !== "" && next !== ")" && next !== "(") return at;
    } else if (char === "(") depth++;
    else if (char === ")" && --depth === 0) return i + 1;
  }
  return "open";
}

// Leave out opening brackets near the end, which may begin a link.
function withoutBrackets(text: string, brackets: number[]): string {
  for (const at of [...brackets].reverse()) {
    if (at >= text.length || text.length - at > 80) continue;
    if (text[at - 1] === "!") text = text.slice(0, at - 1);
    else if (!/[\p{L}\p{N}]/u.test(text[at - 1] ?? ""))
      text = text.slice(0, at) + text.slice(at + 1);
  }
  return text;
}

// Leave out delimiters at the very end until it is clear whether they open, close, or begin a
// picture, an autolink or an entity.
function dropLastDelimiters(text: string): string {
  const marks = /(?<!\\)(?:[*_~]+|!|<[\w.+@-]*|&#?\w*)$/.exec(text.slice(-50));
  return marks ? text.slice(0, text.length - marks[0].length) : text;
}

/** Heal the text of a leaf that is being written. Return true if it ends in half a formula. */
export function healLeaf(leaf: Token, tokens: Token[]): boolean {
  const opener = tokens[tokens.indexOf(leaf) - 1];
  const text = opener?.type === "paragraph_open" ? holdTableHeader(leaf.content) : leaf.content;
  const healed = heal(text);
  leaf.content = healed.text;
  return healed.halfMath;
}
