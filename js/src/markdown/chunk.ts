// A settled part of a long text: its source for good, its DOM only while it is near the reader.
import { isInUse, watchNear } from "../ui/virtualize";

/** A text is kept in parts of about this many characters. */
export const CHUNK_CHARS = 16_000;
/** A text that came in one piece is drawn in slices of this many characters, each in a task of its own. */
export const SLICE_CHARS = 8_000;
/** A single block (a list, a table, a paragraph) is parsed as one up to this many characters; what follows is a block of its own. */
export const BLOCK_CHARS = 32_000;

/** One part. */
export class Chunk {
  private readonly unwatch: () => void;
  private far = false;

  /**
   * @param body - the element that holds the part's blocks.
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
    this.unwatch = watchNear(body, (near, height) => {
      if (near) return this.show();
      if (this.far || isInUse(body)) return;
      this.far = true;
      erased(body);
      body.style.height = `${height}px`;
      body.replaceChildren();
    });
  }

  /** Keeps the part in the page for good. */
  open(): void {
    this.unwatch();
    this.show();
  }

  dispose(): void {
    this.unwatch();
    this.body.remove();
  }

  private show(): void {
    if (!this.far) return;
    this.far = false;
    this.body.style.height = "";
    this.draw(this);
  }
}

/** An element for the blocks of a part. */
export function newBody(): HTMLElement {
  const body = document.createElement("div");
  body.className = "nb-markdown";
  return body;
}

/** The longest piece of a block that is drawn as one, cut after a line where there is one. */
export function headOf(block: string): string {
  const line = block.lastIndexOf("\n", BLOCK_CHARS - 1) + 1;
  // Never inside a surrogate pair.
  return block.slice(0, line || BLOCK_CHARS).replace(/[\ud800-\udbff]$/, "");
}
