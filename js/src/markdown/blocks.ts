// The top-level blocks of a text that is being written, and which of them can change no more.
import type { Token } from "./grammar";

/** A top-level block: its tokens and its lines, the last one exclusive. */
export interface Block {
  tokens: Token[];
  start: number;
  end: number;
}

/** The tokens of each block; definitions are no blocks, but belong to the one they stand in. */
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

/** Where each line starts; one entry more than there are whole lines. */
export function lineOffsets(source: string): number[] {
  const offsets = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) offsets.push(at + 1);
  return offsets;
}

/**
 * How many blocks are settled, whatever follows.
 *
 * A block is, once the next one has begun on a whole line and the line after that is whole as well: a table is the one
 * construct that is recognised by its second line. A fence is, with the whole line that closes it.
 */
export function settledCount(blocks: Block[], wholeLines: number, openFence: Token | undefined): number {
  for (let count = blocks.length; count > 0; count--) {
    const [last, next] = [blocks[count - 1], blocks[count]];
    if (next && next.start + 2 <= wholeLines) return count;
    const [token] = last?.tokens ?? [];
    if (last && token?.type === "fence" && token !== openFence && last.end <= wholeLines) return count;
  }
  return 0;
}
