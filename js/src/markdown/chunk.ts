/** Chunk: a settled part of a long text. Its DOM is in the page only while it is in view. */

import { isInUse, watchInView } from "../ui/virtualize";

/** Approximate characters of a chunk. */
export const CHUNK_CHARS = 16_000;
/** Characters that are drawn in one task of a text that came in one piece. */
export const SLICE_CHARS = 8_000;
/**
 * Characters up to which a block (a list, a table, a paragraph) is parsed as one; the rest of it is
 * a block of its own.
 */
export const BLOCK_CHARS = 32_000;

/** One chunk. Its source is kept after its DOM is removed. */
export class Chunk {
  private readonly unwatch: () => void;
  private unloaded = false;

  /**
   * @param body - the element that holds the chunk's blocks.
   * @param source - its Markdown.
   * @param draw - fills the empty body again.
   * @param erased - called when the body has been emptied.
   */
  constructor(
    readonly body: HTMLElement,
    readonly source: string,
    private readonly draw: (chunk: Chunk) => void,
    erased: (body: HTMLElement) => void,
  ) {
    this.unwatch = watchInView(body, (inView, height) => {
      if (inView) return this.show();
      if (this.unloaded || isInUse(body)) return;
      this.unloaded = true;
      erased(body);
      body.style.height = `${height}px`;
      body.replaceChildren();
    });
  }

  /** Keep the chunk in the page, in view or not. */
  open(): void {
    this.unwatch();
    this.show();
  }

  dispose(): void {
    this.unwatch();
    this.body.style.height = "";
  }

  private show(): void {
    if (!this.unloaded) return;
    this.unloaded = false;
    this.body.style.height = "";
    this.draw(this);
  }
}

/** An element for the blocks of a chunk. */
export function newBody(): HTMLElement {
  const body = document.createElement("div");
  body.className = "nb-markdown";
  return body;
}

/** The start of a block that is drawn as one, cut after a line if it has one. */
export function headOf(block: string): string {
  const line = block.lastIndexOf("\n", BLOCK_CHARS - 1) + 1;
  // Never inside a surrogate pair.
  return block.slice(0, line || BLOCK_CHARS).replace(/[\ud800-\udbff]$/, "");
}
