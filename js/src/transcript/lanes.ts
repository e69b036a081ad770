/** Lanes: agents that worked at the same time are drawn side by side. */

import { type Block, isKind } from "../store";
import { num } from "../values";

/** Group neighbours: agents that worked at the same time share a group, every other block has its own. */
export function groupLanes(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  for (const block of blocks) {
    const group = groups[groups.length - 1];
    const before = group?.[group.length - 1];
    if (group && before && overlap(before, block)) group.push(block);
    else groups.push([block]);
  }
  return groups;
}

function overlap(left: Block, right: Block): boolean {
  if (!isKind(left, "agent") || !isKind(right, "agent")) return false;
  const ended = num(left.props.value.ended);
  const started = num(right.props.value.started);
  return started !== null && (ended === null || started < ended);
}
