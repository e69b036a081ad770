/**
 * A sub-agent: its own transcript, nested. Agents that work at the same time are drawn side by
 * side.
 */

import { other as LABELS } from "../../../nbagent/protocol/labels.json";
import { endLabel, endTone, failedCallsLabel, figures, isLive } from "../status";
import type { Block } from "../store";
import { Disclosure } from "../ui/disclosure";
import { Icon } from "../ui/icons";
import { num, str } from "../values";
import { Blocks } from "./blocks";
import { Elapsed } from "./elapsed";
import { EventsButton } from "./inspecting";
import { useOpen } from "./open";
import { Waiting } from "./waiting";

export function AgentBlock({ block }: { block: Block<"agent"> }) {
  const props = block.props.value;
  const live = !block.closed.value;
  const status = str(props.status) ?? "running";
  const ended = num(props.ended) ?? num(props.waits_since);
  const tone = live ? "live" : endTone(isLive(status) ? "completed" : status);
  const opening = useOpen(block, live, true);
  const started = num(props.started);
  const spent = figures({ usage: props.usage });
  const failedCalls = failedCallsLabel(props);
  const row = (
    <>
      <span class={`nb-dot nb-dot-${tone}`} />
      <Icon name="agent" />
      <span class="nb-name">{str(props.name) ?? LABELS.agent}</span>
      {(live || tone === "ok") && <span class="nb-sr">{live ? "running" : endLabel(props)}</span>}
      {started !== null && (ended !== null || live) && (
        <Elapsed started={started + (num(props.waited) ?? 0)} ended={ended} />
      )}
      {!live && tone !== "ok" && <span class={`nb-note-inline nb-${tone}`}>{endLabel(props)}</span>}
      {failedCalls && <span class="nb-note-inline nb-ask">{failedCalls}</span>}
      <span class="nb-spent" title={spent.join(" · ")}>
        {spent.map((figure) => (
          <span key={figure}>{figure}</span>
        ))}
      </span>
    </>
  );
  return (
    <Disclosure {...opening} row={row} class="nb-agent">
      {() => (
        <>
          <Blocks list={block.children} />
          {live && <Waiting list={block.children} owner={props} />}
          <EventsButton block={block} />
        </>
      )}
    </Disclosure>
  );
}
