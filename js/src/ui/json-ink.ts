/** Syntax colouring of JSON that grows: each character is read once. */

import { visible } from "../readable";

type Ink = "plain" | "key" | "string" | "literal";

/** Characters that are coloured. The rest is plain, because every colour costs an element. */
const MAX_COLOURED_CHARS = 20_000;

export class JsonInk {
  #ink: Ink = "plain";
  #inString = false;
  #escaped = false;
  #seen = 0;
  /** The open brackets, outermost first. */
  #nesting: ("{" | "[")[] = [];
  /** In an object a string is a key until its colon. */
  #keyNext = false;
  #tail: Text | null = null;
  #tailInk: Ink = "plain";

  constructor(readonly node: HTMLElement) {}

  append(text: string): void {
    let start = 0;
    const limit = Math.min(text.length, Math.max(0, MAX_COLOURED_CHARS - this.#seen));
    for (let i = 0; i < limit; i += 1) {
      const ink = this.#inkOf(text.charAt(i));
      if (ink === this.#ink) continue;
      this.#write(text.slice(start, i));
      this.#ink = ink;
      start = i;
    }
    this.#seen += limit;
    this.#write(text.slice(start, limit));
    if (limit < text.length) {
      this.#ink = "plain";
      this.#write(text.slice(limit));
    }
  }

  replace(text: string): void {
    this.node.replaceChildren();
    this.#ink = "plain";
    this.#inString = false;
    this.#escaped = false;
    this.#seen = 0;
    this.#nesting = [];
    this.#keyNext = false;
    this.#tail = null;
    this.append(text);
  }

  #inkOf(char: string): Ink {
    if (this.#inString) {
      const ink = this.#ink;
      if (this.#escaped) this.#escaped = false;
      else if (char === "\\") this.#escaped = true;
      else if (char === '"') this.#inString = false;
      return ink;
    }
    switch (char) {
      case '"':
        this.#inString = true;
        return this.#keyNext ? "key" : "string";
      case "{":
      case "[":
        this.#nesting.push(char);
        this.#keyNext = char === "{";
        return "plain";
      case "}":
      case "]":
        this.#nesting.pop();
        this.#keyNext = false;
        return "plain";
      case ",":
        this.#keyNext = this.#nesting[this.#nesting.length - 1] === "{";
        return "plain";
      case ":":
        this.#keyNext = false;
        return "plain";
      default:
        return /[\w.+-]/.test(char) ? "literal" : "plain";
    }
  }

  #write(text: string): void {
    if (text === "") return;
    const shown = visible(text);
    if (this.#tail && this.#tailInk === this.#ink) {
      this.#tail.appendData(shown);
      return;
    }
    this.#tail = document.createTextNode(shown);
    this.#tailInk = this.#ink;
    if (this.#ink === "plain") {
      this.node.append(this.#tail);
      return;
    }
    const span = document.createElement("span");
    span.className = `nb-json-${this.#ink}`;
    span.append(this.#tail);
    this.node.append(span);
  }
}
