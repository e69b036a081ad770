/** A sub-agent: its own transcript, nested. Agents that work at the same time are drawn side by side. */

import { other as LABELS } from "../../../nbagent/protocol/labels.json";
import { figures, isLive } from "../status";
import type { Block } from "../store";
import { Disclosure } from "../ui/disclosure";
import { Icon } from "../ui/icons";
import { num, str } from "../values";
import { Blocks } from "./blocks";
import { Elapsed } from "./elapsed";
import { EventsButton } from "./inspecting";
import { useOpen } from "./open";

export function AgentBlock({ block }: { block: Block<"agent"> }) {
  const props = block.props.value;
  const live = !block.closed.value;
  const status = str(props.status) ?? "running";
  const failed = !live && !isLive(status) && status !== "completed";
  const opening = useOpen(block, live, true);
  const started = num(props.started);
  const ended = num(props.ended);
  const spent = figures({ usage: props.usage }, []).join(" · ");
  const row = (
    <>
      <span class={`nb-dot nb-dot-${live ? "live" : failed ? "bad" : "ok"}`} />
      <Icon name="agent" />
      <span class="nb-name">{str(props.name) ?? LABELS.agent}</span>
      <span class="nb-sr">{live ? "running" : status}</span>
      {started !== null && (ended !== null || live) && <Elapsed started={started} ended={ended} />}
      {spent && <span class="nb-note-inline">{spent}</span>}
      {failed && <span class="nb-note-inline nb-bad">{status.replaceAll("_", " ")}</span>}
      <span class="nb-grow" />
    </>
  );
  return (
    <Disclosure {...opening} row={row} class="nb-agent">
      {() => (
        <>
          <Blocks list={block.children} />
          <EventsButton block={block} />
        </>
      )}
    </Disclosure>
  );
}
