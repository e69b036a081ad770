/** Link labels of a text that is being written, whose definitions may come after their use. */

import { type MakeNodeView, patchOne } from "./dom";
import { type Definition, parseBlocks, parseInlines, type Token } from "./grammar";
import { buildTree } from "./tree";

/** Labels that a block uses, each with the definition it was drawn with. */
export type UsedLabels = Map<string, Definition | undefined>;

/** A settled block with link labels. */
interface Labelled {
  source: string;
  node: ChildNode;
  used: UsedLabels;
}

/** The definitions so far, and the settled blocks that a later one may change. */
export class LinkLabels {
  private readonly definitions = new Map<string, Definition>();
  private labelled: Labelled[] = [];

  /** @param make - makes the views of code blocks and formulas. */
  constructor(private readonly make: MakeNodeView) {}

  get haveDefinitions(): boolean {
    return this.definitions.size > 0;
  }

  clear(): void {
    this.labelled = [];
    this.definitions.clear();
  }

  /** Note the block that `node` shows, if it uses labels. */
  add(source: string, node: ChildNode, used: UsedLabels | undefined): void {
    if (used && used.size > 0) this.labelled.push({ source, node, used });
  }

  /** Drop the blocks in a body that leaves the page. */
  forget(body: HTMLElement): void {
    this.labelled = this.labelled.filter(({ node }) => node.parentNode !== body);
  }

  /**
   * Return the function that finds a label's definition, and notes it in `used`.
   *
   * @param found - definitions besides those so far, which come before them.
   */
  lookup(found: Map<string, Definition>, used: UsedLabels) {
    return (label: string): Definition | undefined => {
      const definition = this.definitions.get(label) ?? found.get(label);
      used.set(label, definition);
      return definition;
    };
  }

  /** Keep the definitions among the tokens of settled blocks. Return the labels of new ones. */
  define(tokens: Token[], definitions: Map<string, Definition>): Set<string> {
    const fresh = new Set<string>();
    for (const token of tokens) {
      if (token.type !== "reference_definition") continue;
      const label = String(token.meta?.label ?? "");
      const definition = definitions.get(label);
      if (!definition || this.definitions.has(label)) continue;
      this.definitions.set(label, definition);
      fresh.add(label);
    }
    return fresh;
  }

  /**
   * Draw the blocks again whose labels have another definition now.
   *
   * @param found - definitions besides those so far.
   * @param labels - the labels to check; by default all.
   * @returns pairs of the old node of a block and its new one.
   */
  redrawChanged(
    found: Map<string, Definition>,
    labels?: Set<string>,
  ): [old: ChildNode, node: ChildNode][] {
    const redrawn: [ChildNode, ChildNode][] = [];
    for (const block of this.labelled) {
      if (!this.hasChanged(block, found, labels)) continue;
      block.used = new Map();
      const { tokens } = parseBlocks(block.source);
      parseInlines(tokens, this.lookup(found, block.used));
      const [tree] = buildTree(tokens, { openMath: false });
      if (tree === undefined) continue;
      const node = patchOne(block.node, tree, this.make);
      redrawn.push([block.node, node]);
      block.node = node;
    }
    return redrawn;
  }

  private hasChanged(
    { used }: Labelled,
    found: Map<string, Definition>,
    labels?: Set<string>,
  ): boolean {
    for (const [label, before] of used) {
      if (labels && !labels.has(label)) continue;
      const now = this.definitions.get(label) ?? found.get(label);
      if (before?.href !== now?.href || before?.title !== now?.title) return true;
    }
    return false;
  }
}
