/** An open code fence, which takes text line by line without parsing its content again. */

import type { CodeBlock } from "./code";
import type { Token } from "./grammar";

/** Return the fence that is open at the end of `source`, or undefined. */
export function openFenceOf(tokens: Token[], source: string): Token | undefined {
  let index = tokens.length - 1;
  while (index >= 0 && tokens[index]?.nesting !== 0) index--;
  const fence = tokens[index];
  if (fence?.type !== "fence" || !fence.map) return undefined;
  const lines = source.split("\n").length - (source.endsWith("\n") ? 1 : 0);
  const content = fence.content.split("\n").length - (/(?:^|\n)$/.test(fence.content) ? 1 : 0);
  const closed = fence.map[1] - fence.map[0] - 1 > content;
  return !closed && fence.map[1] >= lines ? fence : undefined;
}

/** Open fence: adds text to its code block while the text is certain to be code. */
export class OpenFence {
  private constructor(
    private readonly block: CodeBlock,
    private readonly indent: number,
    private readonly nested: boolean,
    private readonly markup: string,
    /** The start of the current line while it may still close the fence; it is not shown yet. */
    private line: string,
    /** True if the current line is certain to be code and is shown as it comes. */
    private certain: boolean,
  ) {}

  /**
   * Take over an open fence; null if its end cannot be recognised without the grammar.
   *
   * @param source - the text that was parsed and is shown.
   * @param held - the text after it that is not shown yet.
   */
  static from(
    block: CodeBlock,
    fence: Token,
    tokens: Token[],
    source: string,
    held: string,
  ): OpenFence | null {
    const opener = source.split("\n", (fence.map?.[0] ?? 0) + 1).pop() ?? "";
    const indent = opener.indexOf(fence.markup);
    const quoted = tokens.some((token) => token.type === "blockquote_open");
    if (quoted || indent < 0 || opener.slice(0, indent).includes("\t")) return null;
    const certain = !source.endsWith("\n") && held === "";
    return new OpenFence(block, indent, fence.level > 0, fence.markup, held, certain);
  }

  /** Add text. Return false if the fence may have ended: everything must be parsed again. */
  feed(text: string): boolean {
    const shown: string[] = [];
    let sure = true;
    for (let from = 0; sure && from < text.length; ) {
      const newline = text.indexOf("\n", from);
      const end = newline < 0 ? text.length : newline + 1;
      const piece = text.slice(from, end);
      from = end;
      if (this.certain) {
        shown.push(piece);
        this.certain = newline < 0;
        continue;
      }
      this.line += piece;
      if (newline < 0 && this.undecided()) continue;
      sure = this.isCode();
      if (!sure) break;
      shown.push(this.line.slice(Math.min(this.indent, leading(this.line))));
      this.line = "";
      this.certain = newline < 0;
    }
    if (shown.length > 0) this.block.extend(shown.join(""));
    return sure;
  }

  private undecided(): boolean {
    return new RegExp(`^\\s*${this.markup[0]}*\\s*$`).test(this.line);
  }

  private isCode(): boolean {
    const body = this.line.trim();
    if (body === "") return !this.line.includes("\t") || this.indent === 0;
    const lead = leading(this.line);
    if (this.line[lead] === "\t" && (this.nested || this.indent > 0)) return false;
    if (this.nested && lead < this.indent) return false;
    const closes =
      body.length >= this.markup.length && body === (this.markup[0] ?? "`").repeat(body.length);
    return !closes || (!this.nested && lead >= 4);
  }
}

function leading(line: string): number {
  return /^ */.exec(line)?.[0].length ?? 0;
}
