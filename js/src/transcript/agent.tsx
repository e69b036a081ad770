/** A sub-agent: its own transcript, nested; agents that work at the same time stand side by side. */

import { isLive } from "../status";
import type { Block } from "../store";
import { Disclosure } from "../ui/disclosure";
import { Icon } from "../ui/icons";
import { num, str } from "../values";
import { Blocks } from "./blocks";
import { Elapsed } from "./elapsed";
import { EventsOf } from "./inspecting";
import { useOpen } from "./open";

export function AgentBlock({ block }: { block: Block }) {
  const props = block.props.value;
  const live = !block.closed.value;
  const status = str(props.status) ?? "running";
  const failed = !live && !isLive(status) && status !== "completed";
  const [open, toggle] = useOpen(block, live, true);
  const started = num(props.started);
  const ended = num(props.ended);
  const row = (
    <>
      <span class={`nb-dot nb-dot-${live ? "live" : failed ? "bad" : "ok"}`} />
      <Icon name="agent" />
      <span class="nb-name">{str(props.name) ?? "agent"}</span>
      <span class="nb-sr">{live ? "running" : status}</span>
      {started !== null && (ended !== null || live) && <Elapsed started={started} ended={ended} />}
      {failed && <span class="nb-note-inline nb-bad">{status.replaceAll("_", " ")}</span>}
      <span class="nb-grow" />
    </>
  );
  return (
    <Disclosure open={open} onToggle={toggle} row={row} class="nb-agent">
      {() => (
        <>
          <Blocks list={block.children} />
          <EventsOf block={block} />
        </>
      )}
    </Disclosure>
  );
}

/** Groups neighbours: agents that were at work at the same time share a lane group, everything else stands alone. */
export function inLanes(blocks: readonly Block[]): Block[][] {
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
  if (left.kind !== "agent" || right.kind !== "agent") return false;
  const ended = num(left.props.value.ended);
  const started = num(right.props.value.started);
  return started !== null && (ended === null || started < ended);
}
