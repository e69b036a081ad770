/**
 * Regular expressions of a schema. One may be written so that it takes for ever, and nothing can
 * interrupt it in a page.
 */

/** Steps that matching may take at most, about. */
const MAX_STEPS = 1e7;
const MAX_PATTERN_CHARS = 500;
const QUANTIFIER = /(?<!\\)(?:\\\\)*(?:[*+]|\{\d+(?:,\d*)?\})/g;

/**
 * Return true if the text matches; also if that is not known: the pattern is not JavaScript's, or
 * might take too long. The kernel checks it anyway.
 */
export function matches(pattern: string, text: string): boolean {
  if (!isQuick(pattern, text.length)) return true;
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

/**
 * Return true if matching takes few steps: no repetition is repeated, and there are few of them for
 * a text of that length.
 */
export function isQuick(pattern: string, length: number): boolean {
  if (pattern.length > MAX_PATTERN_CHARS || /\\[1-9k]/.test(pattern)) return false;
  // Escapes and sets of characters stand for one character.
  const plain = pattern
    .replace(/\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|.)/gs, "x")
    .replace(/\[[^\]]*\]/g, "x");
  const repeated = plain.match(QUANTIFIER)?.length ?? 0;
  const optional = plain.match(/[^(*+?}]\?|\|/g)?.length ?? 0;
  if ((length + 1) ** repeated * 2 ** optional > MAX_STEPS) return false;
  return !/\)(?:[*+]|\{\d+(?:,\d*)?\})/.test(plain) || !hasNestedRepetition(plain);
}

/** Return true if a group that is repeated has a repetition, an option or alternatives in it. */
function hasNestedRepetition(plain: string): boolean {
  const starts: number[] = [];
  for (let at = 0; at < plain.length; at += 1) {
    if (plain[at] === "(") starts.push(at);
    if (plain[at] !== ")") continue;
    const start = starts.pop() ?? 0;
    if (!/^[*+{]/.test(plain.slice(at + 1))) continue;
    const inside = plain.slice(start, at).replace(/^\((?:\?(?::|=|!|<[=!]?\w*>?))?/, "");
    if (/[*+?{|]/.test(inside)) return true;
  }
  return false;
}
