/** A thought: "Thinking… 4s" with a live pane, then "Thought for 5s". */

import { useRef } from "preact/hooks";
import { type Block, seconds } from "../store";
import { Disclosure } from "../ui/disclosure";
import { rounded } from "../ui/duration";
import { Icon } from "../ui/icons";
import { useSticky } from "../ui/sticky";
import { num } from "../values";
import { Elapsed } from "./elapsed";
import { useHasText } from "./has-text";
import { EventsOf } from "./inspecting";
import { MarkdownText } from "./markdown-text";
import { useOpen } from "./open";

/** A thought without a word that took less than this many seconds is a formality of the wire. */
const UNSEEN = 0.1;

export function ReasoningBlock({ block }: { block: Block }) {
  const props = block.props.value;
  const live = !block.closed.value;
  const [open, toggle] = useOpen(block, live);
  const hasText = useHasText(block.stream("text"));
  if (!live && !hasText && (seconds(props, 0) ?? 0) < UNSEEN) return null;
  const row = (
    <>
      <Icon name="thought" tone={live ? "pulse" : ""} />
      <span class="nb-thought-label">
        {live ? "Thinking… " : label(block)}
        {live && <Elapsed started={num(props.started) ?? 0} ended={null} />}
      </span>
      <span class="nb-grow" />
    </>
  );
  return (
    <Disclosure open={open} onToggle={toggle} row={row} class="nb-reasoning">
      {hasText ? () => <ThoughtPane block={block} live={live} /> : null}
    </Disclosure>
  );
}

function label(block: Block): string {
  const props = block.props.value;
  const took = num(props.ended) === null ? null : seconds(props, 0);
  return took === null ? "Thought" : `Thought for ${rounded(took)}`;
}

function ThoughtPane({ block, live }: { block: Block; live: boolean }) {
  const pane = useRef<HTMLDivElement>(null);
  useSticky(pane, live);
  return (
    <>
      <div ref={pane} class="nb-thought-pane">
        <MarkdownText stream={block.stream("text")} live={live} class="nb-thought" />
      </div>
      <EventsOf block={block} />
    </>
  );
}
