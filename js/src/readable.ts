// Text as a reader can see it: nothing invisible rules over what is visible.

// The escape sequences of terminals, ECMA-48 §5.3, §5.4 and §8.3: control sequences, strings with their end, the others.
const TERMINAL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b(?:[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~])/g;
// C0 but tab and line feed, delete, C1; then what opens or closes another direction (Unicode UAX #9).
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
  /\r(?!\n)|[\0-\x08\v\f\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** The text with each control character as the picture of itself, and each change of direction as its number. */
export function visible(text: string): string {
  return text.replace(UNSEEN, mark);
}

/**
 * Prose: as `visible`, but languages that run from right to left may isolate and embed.
 *
 * An override, which turns letters around whatever they are, is for no language.
 */
export function prose(text: string): string {
  return text.replace(UNSEEN, (char) => (/[\u202a-\u202c\u2066-\u2069]/.test(char) ? char : mark(char)));
}

/** What a program printed: its colours and cursor movements are gone, what else cannot be seen is written out. */
export function readable(text: string): string {
  return visible(text.replace(TERMINAL, ""));
}

function mark(char: string): string {
  const code = char.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "␡" : `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}
