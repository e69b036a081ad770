/** The Markdown grammar: CommonMark, GFM tables, strikethrough, task lists, bare URLs and math. */

import MarkdownIt, {
  type Env,
  type StateBlock,
  type StateCore,
  type StateInline,
  type Token,
} from "markdown-it";
import { decode } from "mdurl";
import { LIMITS } from "../shared";

export type { Token };

/** A link reference definition, as markdown-it keeps it. */
export interface Definition {
  href: string;
  title: string;
}

/** The end of a math block: its closing delimiter, a blank line, or none yet. */
export type MathEnd = "closed" | "blank" | "eof";

// A text with more open delimiters than this is not emphasis that is about to be closed.
const MAX_UNCLOSED_DELIMITERS = 12;

/** Closing delimiter of each opening delimiter of math. */
export const MATH_CLOSE = { $: "$", $$: "$$", "\\(": "\\)", "\\[": "\\]" } as const;

const HAS_CONTENT = /[\p{L}\p{N}]/u;
const WORD = /[\p{L}\p{N}]/u;
const LOOKS_LIKE_MONEY = /^\d[^\\^_={}+*/<>]*\s/;

/**
 * Find the end of inline math that starts at `start`.
 *
 * A single `$` opens only before, and closes only after, something other than white space; it stays
 * on its line, does not touch a word or number outside, and "$5, or 6$" is money. So "$5 and $10"
 * stays text.
 *
 * @returns the position after the closing delimiter and the TeX between, or null when this is not
 *   (yet) math.
 */
export function matchMath(
  text: string,
  start: number,
  end = text.length,
): { end: number; tex: string; display: boolean } | null {
  const open = mathOpener(text, start);
  if (!open) return null;
  const close = MATH_CLOSE[open];
  const from = start + open.length;
  const at = findClose(text, from, Math.min(end, from + LIMITS.inline_tex_chars), close);
  if (at < 0) return null;
  const tex = text.slice(from, at);
  if (!HAS_CONTENT.test(tex)) return null;
  if (open === "$") {
    if (/^\s|\s$|\n/.test(tex) || LOOKS_LIKE_MONEY.test(tex)) return null;
    if (WORD.test(text[start - 1] ?? "") || WORD.test(text[at + 1] ?? "")) return null;
  }
  return { end: at + close.length, tex: tex.trim(), display: open === "$$" || open === "\\[" };
}

/** Opening delimiter of math at `start`, if there is one. */
export function mathOpener(text: string, start: number): "$" | "$$" | "\\(" | "\\[" | null {
  const two = text.slice(start, start + 2);
  if (two === "\\(" || two === "\\[" || two === "$$") return two;
  return two[0] === "$" ? "$" : null;
}

function findClose(text: string, from: number, end: number, close: string): number {
  const within = text.slice(from, end);
  for (let at = within.indexOf(close); at >= 0; at = within.indexOf(close, at + 1)) {
    let slashes = 0;
    while (within[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return from + at;
  }
  return -1;
}

function inlineMath(state: StateInline, silent: boolean): boolean {
  const code = state.src.charCodeAt(state.pos);
  if (code !== 0x24 && code !== 0x5c) return false;
  const open = mathOpener(state.src, state.pos);
  if (!open) return false;
  const found =
    state.pos < lastOffset(state, MATH_CLOSE[open])
      ? matchMath(state.src, state.pos, state.posMax)
      : null;
  if (!found) {
    if (open !== "$$") return false;
    // Both dollars are text: the second must not open math of its own.
    if (!silent) state.pending += open;
    state.pos += 2;
    return true;
  }
  if (!silent) {
    const token = state.push("math", "", 0);
    token.content = found.tex;
    token.markup = state.src.slice(state.pos, found.end);
    token.meta = { display: found.display };
  }
  state.pos = found.end;
  return true;
}

// Offsets of the last closing delimiters: without them "\( \( \( …" takes quadratic time.
const lastOffsets = new WeakMap<StateInline, Record<string, number>>();
function lastOffset(state: StateInline, delimiter: string): number {
  let known = lastOffsets.get(state);
  if (!known) {
    known = {};
    lastOffsets.set(state, known);
  }
  known[delimiter] ??= state.src.lastIndexOf(delimiter);
  return known[delimiter];
}

// Display math on lines of its own. Like TeX it holds no blank line, so one line decides where it
// ends.
function blockMath(
  state: StateBlock,
  startLine: number,
  endLine: number,
  silent: boolean,
): boolean {
  if ((state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
  const first = lineAt(state, startLine);
  const dollars = first.startsWith("$$") && first[2] !== "$";
  if (!dollars && !/^\\\[(?:\s|$)/.test(first) && !/^\\\[.*\\\]\s*$/.test(first)) return false;
  const close = dollars ? "$$" : "\\]";
  const head = first.slice(2).trimEnd();
  const lines: string[] = [];
  let ended: MathEnd = "eof";
  let next = startLine + 1;
  const closeInHead = head.indexOf(close);
  if (closeInHead >= 0) {
    // "$$ x $$ and more" is a paragraph with math in it.
    if (closeInHead + 2 !== head.length || !HAS_CONTENT.test(head)) return false;
    lines.push(head.slice(0, -2));
    ended = "closed";
  } else {
    lines.push(head);
  }
  if (silent) return true;
  for (; ended === "eof" && next < endLine; next++) {
    if (state.isEmpty(next) || (state.sCount[next] ?? 0) < state.blkIndent) {
      ended = "blank";
      break;
    }
    const line = lineAt(state, next).trimEnd();
    const at = line.indexOf(close);
    lines.push(at < 0 ? line : line.slice(0, at));
    if (at >= 0) ended = "closed";
  }
  const token = state.push("math_block", "", 0);
  token.block = true;
  token.content = lines.join("\n").trim();
  token.markup = state.getLines(startLine, next, state.blkIndent, false).trim();
  token.meta = { ended };
  token.map = [startLine, next];
  state.line = next;
  return true;
}

function lineAt(state: StateBlock, line: number): string {
  return state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]);
}

// GFM task list items: "[ ] " or "[x] " at the start of an item's first paragraph.
function taskItems(state: StateCore): void {
  const { tokens } = state;
  for (let i = 2; i < tokens.length; i++) {
    const inline = tokens[i];
    if (inline?.type !== "inline" || tokens[i - 2]?.type !== "list_item_open") continue;
    const text = inline.children?.[0];
    const box = text?.type === "text" ? /^\[([ xX])\]\s+(?=\S|$)/.exec(text.content) : null;
    if (!text || !box || (inline.children?.length === 1 && text.content.length === box[0].length))
      continue;
    text.content = text.content.slice(box[0].length);
    inline.meta = { task: box[1] !== " " };
  }
}

// While a paragraph is still being written, emphasis that is open at its end is drawn as if it were
// closed there.
function closeOpenEmphasis(state: StateInline): void {
  if (state.env.growing !== state.tokens) return;
  const { delimiters } = state;
  const unclosed: number[] = [];
  for (let i = 0; i < delimiters.length; i++) {
    const delimiter = delimiters[i];
    if (!delimiter) continue;
    // Delimiters inside a closed pair stay text.
    if (delimiter.end >= 0) i = delimiter.end;
    else if (delimiter.open) unclosed.push(i);
  }
  if (unclosed.length > MAX_UNCLOSED_DELIMITERS) return;
  for (const index of unclosed.reverse()) {
    const opener = delimiters[index];
    if (!opener) continue;
    state.push("text", "", 0);
    opener.end = delimiters.length;
    delimiters.push({
      ...opener,
      token: state.tokens.length - 1,
      end: -1,
      open: false,
      close: true,
    });
  }
}

/** The parser: of blocks with `parseBlocks`, of their inline content with `parseInlines`. */
export const grammar = new MarkdownIt({ linkify: true });
// Every link is parsed; whether it may be followed is decided where the DOM is built (url.ts).
grammar.validateLink = () => true;
// A host that is written in ASCII is shown so (markdown-it would decode it): nothing can look like
// another host.
grammar.normalizeLinkText = (url) => decode(url, `${decode.defaultChars}%`);
grammar.inline.ruler.before("escape", "math", inlineMath);
grammar.block.ruler.before("fence", "math_block", blockMath, {
  alt: ["paragraph", "reference", "blockquote", "list"],
});
grammar.inline.ruler2.after("balance_pairs", "close_open_emphasis", closeOpenEmphasis);
grammar.core.ruler.push("task_items", taskItems);
grammar.core.ruler.disable([
  "normalize",
  "block",
  "strip_references",
  "replacements",
  "smartquotes",
]);

/**
 * Parse the block structure only; link reference definitions found are returned in order of
 * appearance.
 */
export function parseBlocks(source: string): {
  tokens: Token[];
  definitions: Map<string, Definition>;
} {
  const env: Env = {};
  const tokens: Token[] = [];
  grammar.block.parse(source, grammar, env, tokens);
  return { tokens, definitions: new Map(Object.entries(env.references ?? {})) };
}

/**
 * Parse the inline content of block tokens, in place.
 *
 * @param lookup - returns the definition of a normalised label; called for every label that is
 *   tried.
 * @param growing - the inline token that is still being written; emphasis that is open at its end
 *   is closed there.
 */
export function parseInlines(
  tokens: Token[],
  lookup: (label: string) => Definition | undefined,
  growing?: Token,
): void {
  const references = new Proxy({} as Record<string, Definition>, {
    get: (_, label) => (typeof label === "string" ? lookup(label) : undefined),
  });
  const env: Env = { references, growing: growing?.children };
  const state = new grammar.core.State("", grammar, env);
  state.tokens = tokens;
  grammar.core.process(state);
}
