/** The top-level blocks of a text that is being written, and how many of them are settled. */

import type { Token } from "./grammar";

/** A top-level block: its tokens and its lines, the last one exclusive. */
export interface Block {
  tokens: Token[];
  start: number;
  end: number;
}

/**
 * Split tokens into blocks. A link definition is no block, but belongs to the block that it stands
 * in.
 */
export function splitBlocks(tokens: Token[]): Block[] {
  const blocks: Block[] = [];
  let open: Block | null = null;
  for (const token of tokens) {
    if (token.level === 0 && token.nesting >= 0 && token.type !== "reference_definition") {
      open = { tokens: [], start: token.map?.[0] ?? 0, end: token.map?.[1] ?? 0 };
      blocks.push(open);
    }
    if (token.level > 0 || token.type !== "reference_definition") open?.tokens.push(token);
  }
  return blocks;
}

/** The offset of each line; one entry more than there are whole lines. */
export function lineOffsets(source: string): number[] {
  const offsets = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1))
    offsets.push(at + 1);
  return offsets;
}

/**
 * The number of blocks at the start that no further text can change.
 *
 * A block is settled once the next one has begun on a whole line and the line after that is whole
 * as well, since a table is recognised by its second line. A fence is settled with the whole line
 * that closes it.
 */
export function settledCount(
  blocks: Block[],
  wholeLines: number,
  openFence: Token | undefined,
): number {
  for (let count = blocks.length; count > 0; count--) {
    const [last, next] = [blocks[count - 1], blocks[count]];
    if (next && next.start + 2 <= wholeLines) return count;
    const [token] = last?.tokens ?? [];
    if (last && token?.type === "fence" && token !== openFence && last.end <= wholeLines)
      return count;
  }
  return 0;
}
