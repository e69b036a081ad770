/** Text made visible: no invisible character changes how the others look. */

import { characters } from "../../nbagent/protocol/markup.json";

const { controls, overrides, smuggling, directions, flag, terminal } = characters;
const TERMINAL = new RegExp(terminal, "g");
const IN_PROSE = `${flag}|\\r(?!\\n)|[${controls}${overrides}${smuggling}`;
const UNSEEN = new RegExp(`${IN_PROSE}${directions}]`, "gu");
const UNSEEN_IN_PROSE = new RegExp(`${IN_PROSE}]`, "gu");

/**
 * Text with each control character as its picture, and other characters that are not seen as
 * `‹U+202E›`.
 *
 * These change the direction of what follows, hide text, or part words that look like one. Joiners
 * stay, which emoji and some scripts need.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, pictureOf);
}

/**
 * Text as `visible` gives it, but with marks, embeddings and isolates of a direction and breaks of
 * no width kept.
 *
 * Languages need these. None needs an override, which reverses letters of any script, or the tags
 * that hide a text.
 */
export function prose(text: string): string {
  return text.replace(UNSEEN_IN_PROSE, pictureOf);
}

/**
 * A program's output without the colours and cursor movements of a terminal, the rest as `visible`
 * gives it.
 */
export function readable(text: string): string {
  return visible(text.replace(TERMINAL, ""));
}

function pictureOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  // the flag of a part of a country is written with tags
  if (char.length > String.fromCodePoint(code).length) return char;
  // U+2400 and the following are pictures of the control characters.
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "␡" : `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}
