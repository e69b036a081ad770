/** Lanes: agents that worked at the same time are drawn side by side. */

import { type Block, isKind } from "../store";
import { num } from "../values";

/**
 * Columns in which lanes are drawn at most; a page of blocks fills any number of them up to this
 * one.
 */
export const MOST_COLUMNS = 4;

/**
 * Group neighbours: agents that worked at the same time share a group, every other block has its
 * own.
 *
 * @param hasLanes - true for a run of several streams: its agents share a group, whenever they
 *   worked.
 */
export function groupLanes(blocks: readonly Block[], hasLanes = false): Block[][] {
  const groups: Block[][] = [];
  for (const block of blocks) {
    const group = groups[groups.length - 1];
    const before = group?.[group.length - 1];
    if (group && before && (hasLanes ? areLanes(before, block) : overlap(before, block)))
      group.push(block);
    else groups.push([block]);
  }
  return groups;
}

const areLanes = (left: Block, right: Block) => isKind(left, "agent") && isKind(right, "agent");

function overlap(left: Block, right: Block): boolean {
  if (!isKind(left, "agent") || !isKind(right, "agent")) return false;
  const ended = num(left.props.value.ended);
  const started = num(right.props.value.started);
  return started !== null && (ended === null || started < ended);
}
