/** A thought: "Thinking… 4s" with a live pane, then "Thought for 5s". */

import { useRef, useState } from "preact/hooks";
import { thought as LABELS } from "../../../nbagent/protocol/labels.json";
import { LIMITS } from "../shared";
import { elapsed, isLive, isTitleOnly, thoughtLabel } from "../status";
import type { Block } from "../store";
import { Disclosure } from "../ui/disclosure";
import { Icon } from "../ui/icons";
import { useSticky } from "../ui/sticky";
import { num } from "../values";
import { useSession } from "./context";
import { Elapsed } from "./elapsed";
import { useHasText } from "./has-text";
import { EventsButton } from "./inspecting";
import { MarkdownText } from "./markdown-text";
import { useOpen } from "./open";

export function ReasoningBlock({ block }: { block: Block<"reasoning"> }) {
  const props = block.props.value;
  const live = !block.closed.value;
  const opening = useOpen(block, live);
  const hasText = useHasText(block.stream("text"));
  // Some providers send the start and the end of a thought without its text.
  if (!live && !hasText && 1000 * (elapsed(props) ?? 0) < LIMITS.brief_thought_ms) return null;
  const whole = live ? props : { ...props, text: block.stream("text").text };
  const row = (
    <>
      <Icon name="thought" tone={live ? "pulse" : ""} />
      <span class="nb-thought-label">
        {live ? `${LABELS.running} ` : thoughtLabel(whole)}
        {live && <Elapsed started={num(props.started) ?? 0} ended={null} />}
      </span>
      <span class="nb-grow" />
    </>
  );
  return (
    <Disclosure {...opening} row={row} class="nb-reasoning">
      {hasText && !isTitleOnly(whole) ? () => <ThoughtPane block={block} live={live} /> : null}
    </Disclosure>
  );
}

function ThoughtPane({ block, live }: { block: Block<"reasoning">; live: boolean }) {
  const pane = useRef<HTMLDivElement>(null);
  const session = useSession();
  // A thought that is opened in a finished run is read, not scrolled.
  const [isLow] = useState(live || isLive(session.status));
  useSticky(pane, live);
  return (
    <>
      <div ref={pane} class={isLow ? "nb-thought-pane nb-low" : "nb-thought-pane"}>
        <MarkdownText stream={block.stream("text")} live={live} class="nb-thought" />
      </div>
      <EventsButton block={block} />
    </>
  );
}
