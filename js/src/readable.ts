/** Text made visible: no invisible character changes how the others look. */

import { characters } from "../../nbagent/protocol/markup.json";

const { controls, overrides, directions, terminal } = characters;
const TERMINAL = new RegExp(terminal, "g");
const UNSEEN = new RegExp(`\\r(?!\\n)|[${controls}${overrides}${directions}]`, "g");
const UNSEEN_IN_PROSE = new RegExp(`\\r(?!\\n)|[${controls}${overrides}]`, "g");

/** Text with each control character as its picture, and each change of direction as its number, `‹U+202E›`. */
export function visible(text: string): string {
  return text.replace(UNSEEN, pictureOf);
}

/**
 * Text as `visible` gives it, but with embeddings and isolates kept.
 *
 * Languages that run from right to left need those. No language needs an override, which reverses letters of any script.
 */
export function prose(text: string): string {
  return text.replace(UNSEEN_IN_PROSE, pictureOf);
}

/** A program's output without the colours and cursor movements of a terminal, the rest as `visible` gives it. */
export function readable(text: string): string {
  return visible(text.replace(TERMINAL, ""));
}

function pictureOf(char: string): string {
  const code = char.charCodeAt(0);
  // U+2400 and the following are pictures of the control characters.
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "␡" : `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}
