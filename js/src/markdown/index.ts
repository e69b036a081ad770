/** Markdown view: a Markdown text that is still being written, as DOM. */

import { type Block, lineOffsets, settledCount, splitBlocks } from "./blocks";
import { BLOCK_CHARS, CHUNK_CHARS, Chunk, headOf, newBody, SLICE_CHARS } from "./chunk";
import { CodeBlock, type Highlighter } from "./code";
import { lastNodeView, type MakeNodeView, patchFrom, placeCaret } from "./dom";
import { OpenFence, openFenceOf } from "./fence";
import { Formula, type Typesetter } from "./formula";
import { type Definition, parseBlocks, parseInlines, type Token } from "./grammar";
import { growingLeaf, healLeaf, holdForming } from "./heal";
import { LineEnds, normalise } from "./line-ends";
import { LinkLabels, type UsedLabels } from "./link-labels";
import { buildTree, type Growing } from "./tree";

// After a parse of n ms the next one waits 8n ms, so that a long list takes a ninth of the time at
// most.
const RENDER_PAUSE_FACTOR = 8;

/** A line that is not blank, with its end. */
const LINE = /\S.*\n/g;

/**
 * View of a Markdown text that is being written.
 *
 * Only the last top-level block is parsed again when text comes; the blocks before it are settled,
 * and their DOM is not touched any more. A half-written construct at the end is held back or drawn
 * as if it were finished, and a `.nb-caret` follows the last text. `finish` draws the source as it
 * is: the DOM is then the same, however the text was cut.
 */
export class MarkdownView {
  /** The element to put into the page. */
  readonly node: HTMLElement;
  private readonly caret: HTMLElement;
  private readonly make: MakeNodeView;
  private readonly links: LinkLabels;
  private readonly windowed: boolean;
  private chunks: Chunk[] = [];
  // The element for the blocks after the chunks, and the source of its settled blocks.
  private body: HTMLElement;
  private settled = "";
  private tail = "";
  // Text that came in one piece and is not drawn yet.
  private pending = "";
  private slicing: ReturnType<typeof setTimeout> | undefined;
  private tailDefinitions = new Map<string, Definition>();
  private readonly lines = new LineEnds();
  private lastSettled: ChildNode | null = null;
  private fence: OpenFence | null = null;
  // True if the last drawing ended in an open code block, which is never cut.
  private inCode = false;
  private finished = false;
  private ending = false;
  private disposed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private nextRenderAt = 0;

  /**
   * @param options.loadModule - loads a module; called at most once for each.
   * @param options.windowed - draws a long text in slices, and keeps only the chunks in view in the
   *   page. They are elements that follow `node`, so that `node` must be in its parent before the
   *   first text.
   */
  constructor(options: {
    // biome-ignore lint/suspicious/noExplicitAny: the modules come as text, without types
    loadModule(name: "math.js" | "highlight.js"): Promise<any>;
    windowed?: boolean;
  }) {
    this.windowed = options.windowed ?? false;
    let math: Promise<Typesetter> | undefined;
    let highlight: Promise<Highlighter> | undefined;
    const typesetter = () => {
      math ??= options.loadModule("math.js");
      return math;
    };
    const highlighter = () => {
      highlight ??= options.loadModule("highlight.js");
      return highlight;
    };
    this.make = (spec) =>
      spec.kind === "code" ? new CodeBlock(spec, highlighter) : new Formula(spec, typesetter);
    this.links = new LinkLabels(this.make);
    this.body = this.node = newBody();
    this.caret = document.createElement("span");
    this.caret.className = "nb-caret";
    this.caret.setAttribute("aria-hidden", "true");
    this.node.append(this.caret);
  }

  /** Add text to the end. */
  append(text: string): void {
    if (text === "" || this.disposed) return;
    if (this.finished) this.reopen();
    this.pending += text;
    if (this.slicing === undefined) this.drawSlice();
  }

  private drawSlice(): void {
    const slice = this.windowed ? this.pending.slice(0, SLICE_CHARS) : this.pending;
    this.pending = this.pending.slice(slice.length);
    this.slicing = undefined;
    if (this.pending) {
      this.slicing = setTimeout(() => this.drawSlice());
      this.stopTimer();
      this.nextRenderAt = 0;
    }
    this.add(slice);
    if (this.ending && !this.pending) this.finish();
  }

  private add(text: string): void {
    const piece = this.lines.feed(text);
    this.tail += piece;
    if (this.fence?.feed(piece)) return;
    this.fence = null;
    this.draw();
  }

  /**
   * Replace the text. The DOM of what both texts begin with stays, as far as nothing that followed
   * can have changed it.
   */
  replace(text: string): void {
    const finished = this.finished || this.ending;
    this.lines.close();
    const whole = normalise(text);
    if (this.finished) this.reopen();
    const known = this.chunks.map(({ source }) => source).join("") + this.settled + this.tail;
    this.pending = "";
    this.append(whole.slice(whole.startsWith(known) ? known.length : this.rewind(whole)));
    if (finished) this.finish();
  }

  // Take back what the text does not begin with. Return the number of its characters that need not
  // be drawn any more.
  private rewind(whole: string): number {
    // A definition that goes may have drawn a link anywhere.
    const parts = this.links.haveDefinitions
      ? []
      : [...this.chunks.map(({ source }) => source), this.settled];
    let [end, kept, keptEnd] = [0, 0, 0];
    for (const [index, part] of parts.entries()) {
      if (!whole.startsWith(part, end)) break;
      end += part.length;
      if (part === "" ? kept === index : isDecided(part, whole, end))
        [kept, keptEnd] = [index + 1, end];
    }
    if (kept === 0) {
      this.reset();
      return 0;
    }
    this.stopTimer();
    clearTimeout(this.slicing);
    this.slicing = undefined;
    this.ending = this.inCode = false;
    this.fence = null;
    this.tailDefinitions.clear();
    if (kept === parts.length) {
      // The settled blocks stay, too. What follows them is shorter than what was drawn there at
      // once.
      const isShorter = whole.length - keptEnd < this.tail.length;
      this.tail = isShorter ? whole.slice(keptEnd) : "";
      if (isShorter) this.draw();
      return isShorter ? whole.length : keptEnd;
    }
    this.drop(kept);
    this.body = newBody();
    this.chunks.at(-1)?.body.after(this.body);
    this.settled = this.tail = "";
    this.lastSettled = null;
    return keptEnd;
  }

  /** End the text: draw the source as it is, at once, and remove the caret. */
  finish(): void {
    if (this.disposed || this.finished) return;
    this.ending = this.pending !== "";
    if (this.ending) return;
    this.tail += this.lines.close();
    this.stopTimer();
    this.fence = null;
    this.finished = true;
    this.render();
    if (this.windowed) this.seal(this.settled + this.tail);
  }

  /** Stop all work. Do not use the view afterwards. */
  dispose(): void {
    this.disposed = true;
    this.reset();
    this.node.remove();
  }

  private reset(): void {
    this.stopTimer();
    clearTimeout(this.slicing);
    this.slicing = undefined;
    this.drop(0);
    this.body = this.node;
    this.finished = this.ending = false;
    this.pending = this.settled = this.tail = "";
    this.links.clear();
    this.lastSettled = this.fence = null;
    this.node.replaceChildren(this.caret);
  }

  // Take the chunks from this one on out of the page, and what follows them.
  private drop(from: number): void {
    const gone = this.chunks.splice(from);
    for (const chunk of gone) chunk.dispose();
    for (const body of [...gone.map((chunk) => chunk.body), this.body]) {
      this.links.forget(body);
      if (body !== this.node) body.remove();
    }
  }

  // Turn the current body, which shows `source`, into a chunk.
  private seal(source: string): void {
    const draw = ({ body }: Chunk) => this.drawSettled(source, body, null);
    this.chunks.push(new Chunk(this.body, source, draw, (body) => this.links.forget(body)));
  }

  // Turn the last chunk back into the current body, because the text goes on.
  private reopen(): void {
    this.finished = false;
    const last = this.windowed ? this.chunks.pop() : undefined;
    if (!last) return;
    last.open();
    this.links.forget(last.body);
    this.lastSettled = null;
    this.tail = last.source;
    this.settled = "";
  }

  private drawSettled(source: string, body: HTMLElement, first: ChildNode | null): void {
    const offsets = lineOffsets(source);
    const blocks = splitBlocks(parseBlocks(source).tokens);
    const labels: UsedLabels[] = [];
    const trees = blocks.flatMap(({ tokens }) => {
      const used: UsedLabels = new Map();
      labels.push(used);
      parseInlines(tokens, this.links.lookup(this.tailDefinitions, used));
      return buildTree(tokens, { openMath: false }).slice(0, 1);
    });
    patchFrom(body, first, trees, this.make);
    let node = first ?? body.firstChild;
    blocks.forEach(({ start, end }, index) => {
      if (!node) return;
      this.links.add(source.slice(offsets[start], offsets[end]), node, labels[index]);
      node = node.nextSibling;
    });
  }

  // Begin a body for the unsettled blocks and the text that follows.
  private nextBody(): void {
    const next = newBody();
    const first = this.firstUnsettled();
    while (first && this.body.lastChild !== this.lastSettled)
      next.prepend(this.body.lastChild ?? "");
    this.body.after(next);
    this.seal(this.settled);
    this.body = next;
    this.settled = "";
    this.lastSettled = null;
  }

  // End a block that is too long to be parsed again with every piece. The rest of it is a block of
  // its own.
  private cut(): void {
    const head = headOf(this.tail);
    this.drawSettled(head, this.body, this.firstUnsettled());
    this.lastSettled = this.body.lastChild;
    this.settled += head;
    this.tail = this.tail.slice(head.length);
    this.nextBody();
    this.render();
  }

  // Draw now, or when the pause after the last drawing is over. A block that is long enough to be
  // cut is drawn without a pause, in which it would only grow.
  private draw(): void {
    const full = this.isTooLong() && !this.inCode;
    if (this.timer !== undefined && !full) return;
    const wait = this.nextRenderAt - performance.now();
    if (wait <= 0 || full) {
      this.stopTimer();
      this.render();
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.render();
    }, wait);
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private render(): void {
    const began = performance.now();
    this.caret.remove();
    const source = this.finished ? this.tail : holdForming(this.tail);
    const { tokens, definitions } = parseBlocks(source);
    this.tailDefinitions = definitions;
    const blocks = splitBlocks(tokens);
    const growing: Growing = { openMath: !this.finished };
    const leaf = this.finished ? undefined : growingLeaf(tokens, source);
    if (leaf) growing.halfMath = healLeaf(leaf, tokens) ? leaf : undefined;
    if (!this.finished) growing.openFence = openFenceOf(tokens, source);

    const used: UsedLabels[] = [];
    const trees = blocks.flatMap((block) => {
      const labels: UsedLabels = new Map();
      used.push(labels);
      parseInlines(block.tokens, this.links.lookup(definitions, labels), leaf);
      return buildTree(block.tokens, growing).slice(0, 1);
    });
    patchFrom(this.body, this.firstUnsettled(), trees, this.make);

    if (this.finished) {
      this.redraw(definitions);
    } else {
      if (growing.openFence) this.enterFence(growing.openFence, blocks, source);
      this.settle(blocks, source, tokens, definitions, used, growing.openFence);
      this.inCode = growing.openFence !== undefined;
      if (this.isTooLong() && !this.inCode) this.cut();
      else placeCaret(this.body, this.caret);
    }
    const ended = performance.now();
    this.nextRenderAt = ended + RENDER_PAUSE_FACTOR * (ended - began);
  }

  // Draw settled blocks again whose labels have another definition now.
  private redraw(found: Map<string, Definition>, labels?: Set<string>): void {
    for (const [old, node] of this.links.redrawChanged(found, labels))
      if (this.lastSettled === old) this.lastSettled = node;
  }

  private isTooLong(): boolean {
    return this.windowed && this.tail.length > BLOCK_CHARS;
  }

  private firstUnsettled(): ChildNode | null {
    return this.lastSettled ? this.lastSettled.nextSibling : this.body.firstChild;
  }

  private enterFence(fence: Token, blocks: Block[], source: string): void {
    const block = lastNodeView(this.body);
    const tokens = blocks[blocks.length - 1]?.tokens ?? [];
    if (block instanceof CodeBlock)
      this.fence = OpenFence.from(block, fence, tokens, source, this.tail.slice(source.length));
  }

  // Move the blocks that no further text can change out of the tail.
  private settle(
    blocks: Block[],
    source: string,
    tokens: Token[],
    definitions: Map<string, Definition>,
    used: UsedLabels[],
    openFence: Token | undefined,
  ): void {
    const offsets = lineOffsets(source);
    const count = settledCount(blocks, offsets.length - 1, openFence);
    const last = blocks[count - 1];
    if (!last) return;
    for (let index = 0; index < count; index++) {
      const node = this.firstUnsettled();
      const block = blocks[index];
      if (!node || !block) return;
      this.lastSettled = node;
      this.links.add(source.slice(offsets[block.start], offsets[block.end]), node, used[index]);
    }
    const fresh = this.links.define(
      tokens.filter((token) => (token.map?.[0] ?? 0) < last.end),
      definitions,
    );
    const end = offsets[last.end] ?? source.length;
    this.settled += this.tail.slice(0, end);
    this.tail = this.tail.slice(end);
    if (fresh.size > 0) this.redraw(new Map(), fresh);
    if (this.windowed && this.settled.length > CHUNK_CHARS) this.nextBody();
  }
}

// Return true if what follows `part`, which ends at `end`, is enough to know that its last block
// ends there: a whole line, or anything after a block that was cut in a line.
function isDecided(part: string, whole: string, end: number): boolean {
  if (!part.endsWith("\n")) return end < whole.length;
  LINE.lastIndex = end;
  return LINE.test(whole);
}
