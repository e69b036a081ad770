/**
 * Output of a program as a terminal shows it: lines that are written over, colours of the text,
 * erased parts of lines.
 *
 * Of the control sequences (ECMA-48,
 * https://ecma-international.org/publications-and-standards/standards/ecma-48/) those count that
 * progress bars and logs use; the others are left out.
 */

import { visible } from "../readable";
import type { TextListener } from "../text-stream";

/** Lines that are kept; the first ones go. */
const MAX_ROWS = 1000;
/** Characters of a line; a longer one goes on in the next row. */
const MAX_COLUMNS = 2000;
const [ESC, BEL, CONTROLS] = ["\u001b", "\u0007", "\u0000-\u001f\u007f"];
const TOKENS = new RegExp(
  [
    `${ESC}\\[([\\d;:?]{0,60})[ -/]*([@-~])`, // a control sequence: its parameters, and its name
    `${ESC}\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)`, // the title of a window, a link
    `${ESC}[^[\\]]`,
    `[${CONTROLS}]`,
    `[^${CONTROLS}]+`,
  ].join("|"),
  "g",
);
/** The beginning of a sequence, at the end of what has come so far. */
const UNFINISHED = new RegExp(`${ESC}(?:\\[[\\d;:? -/]{0,60}|\\][^${BEL}${ESC}]{0,2000}${ESC}?)?$`);
const TAB_COLUMNS = 8;

interface Row {
  node: HTMLElement;
  characters: string[];
  /** Class names of each character. */
  inks: string[];
}

export class Terminal implements TextListener {
  #rows: Row[] = [];
  #row = 0;
  #column = 0;
  #weight = "";
  #colour = "";
  #unfinished = "";
  readonly #changed = new Set<Row>();

  constructor(readonly node: HTMLElement) {}

  append(text: string): void {
    const all = this.#unfinished + text;
    this.#unfinished = UNFINISHED.exec(all)?.[0] ?? "";
    const end = all.length - this.#unfinished.length;
    for (const [token, parameters, command] of all.slice(0, end).matchAll(TOKENS)) {
      if (command !== undefined) this.#control(command, parameters ?? "");
      else if (token >= " " && token !== "\x7f") this.#write(token);
      else if (token === "\n") this.#newLine();
      else if (token === "\r") this.#column = 0;
      else if (token === "\b") this.#column = Math.max(0, this.#column - 1);
      else if (token === "\t") this.#write(" ".repeat(TAB_COLUMNS - (this.#column % TAB_COLUMNS)));
    }
    for (const row of this.#changed) draw(row);
    this.#changed.clear();
  }

  replace(text: string): void {
    this.node.replaceChildren();
    this.#rows = [];
    this.#row = this.#column = 0;
    this.#weight = this.#colour = this.#unfinished = "";
    this.append(text);
  }

  #current(): Row {
    let row = this.#rows[this.#row];
    if (row) return row;
    row = { node: document.createElement("div"), characters: [], inks: [] };
    this.#rows.push(row);
    this.node.append(row.node);
    this.#changed.add(row);
    if (this.#rows.length > MAX_ROWS) {
      const first = this.#rows.shift();
      first?.node.remove();
      if (first) this.#changed.delete(first);
    }
    this.#row = this.#rows.length - 1;
    return row;
  }

  #newLine(): void {
    this.#current();
    this.#row += 1;
    this.#column = 0;
  }

  #write(text: string): void {
    const ink = `${this.#weight}${this.#colour}`.trim();
    for (const character of text) {
      if (this.#column >= MAX_COLUMNS) this.#newLine();
      const row = this.#current();
      while (row.characters.length < this.#column) {
        row.characters.push(" ");
        row.inks.push("");
      }
      row.characters[this.#column] = character;
      row.inks[this.#column] = ink;
      this.#changed.add(row);
      this.#column += 1;
    }
  }

  #control(command: string, parameters: string): void {
    const numbers = parameters.split(/[;:]/).map(Number);
    const first = numbers[0] || 0;
    const count = first || 1;
    if (command === "m") this.#style(numbers);
    else if (command === "A" || command === "F") this.#row = Math.max(0, this.#row - count);
    else if (command === "B" || command === "E")
      this.#row = Math.min(Math.max(0, this.#rows.length - 1), this.#row + count);
    else if (command === "C") this.#column = Math.min(MAX_COLUMNS, this.#column + count);
    else if (command === "D") this.#column = Math.max(0, this.#column - count);
    else if (command === "G") this.#column = Math.min(MAX_COLUMNS, count - 1);
    else if (command === "K") this.#erase(first);
    if (command === "E" || command === "F") this.#column = 0;
  }

  /** Erase the line: from the cursor on (0), up to it (1), or all of it (2). */
  #erase(part: number): void {
    const row = this.#current();
    if (part === 0) {
      row.characters.length = row.inks.length = Math.min(row.characters.length, this.#column);
    } else {
      const end =
        part === 1 ? Math.min(this.#column + 1, row.characters.length) : row.characters.length;
      row.characters.fill(" ", 0, end);
      row.inks.fill("", 0, end);
    }
    this.#changed.add(row);
  }

  #style(numbers: readonly number[]): void {
    for (let at = 0; at < numbers.length; at += 1) {
      const code = numbers[at] ?? 0;
      if (code === 0) this.#weight = this.#colour = "";
      else if (code === 1) this.#weight = "nb-bold";
      else if (code === 2) this.#weight = "nb-muted";
      else if (code === 22) this.#weight = "";
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97))
        this.#colour = ` nb-ink-${code % 10}`;
      else if (code === 39) this.#colour = "";
      else if (code === 38 || code === 48) {
        // A colour of a palette of 256, or of red, green and blue; the first 16 are those above.
        const colour = numbers[at + 2] ?? 0;
        if (code === 38)
          this.#colour = numbers[at + 1] === 5 && colour < 16 ? ` nb-ink-${colour % 8}` : "";
        at += numbers[at + 1] === 5 ? 2 : 4;
      }
    }
  }
}

function draw({ node, characters, inks }: Row): void {
  const parts: (Text | HTMLElement)[] = [];
  for (let start = 0; start < characters.length; ) {
    let end = start + 1;
    while (end < characters.length && inks[end] === inks[start]) end += 1;
    const text = visible(characters.slice(start, end).join(""));
    if (inks[start]) {
      const span = document.createElement("span");
      span.className = inks[start] ?? "";
      span.textContent = text;
      parts.push(span);
    } else parts.push(document.createTextNode(text));
    start = end;
  }
  node.replaceChildren(...parts);
}
