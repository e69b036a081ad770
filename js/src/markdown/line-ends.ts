/** Line ends of a text that comes in pieces: each becomes a line feed. */

/** Return a whole text with line feeds, in which NUL is the replacement character. */
export function normalise(text: string): string {
  return text.replace(/\r\n?/g, "\n").replaceAll("\0", "\ufffd");
}

/** Normalises pieces of a text. CR and LF of one line end may come in two of them. */
export class LineEnds {
  private carriageReturn = false;

  /** Return what is sure of the text so far and was not returned before. */
  feed(text: string): string {
    const whole = this.carriageReturn ? `\r${text}` : text;
    this.carriageReturn = whole.endsWith("\r");
    return normalise(this.carriageReturn ? whole.slice(0, -1) : whole);
  }

  /** Return the rest at the end of the text. The next text begins anew. */
  close(): string {
    const rest = this.carriageReturn ? "\n" : "";
    this.carriageReturn = false;
    return rest;
  }
}
