/**
 * "Waiting for gpt-5-mini… 4s", in the place of the next text, while nothing else shows that the
 * model is at work.
 */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { isLive, waitingLabel } from "../status";
import { type BlockList, isKind } from "../store";
import { ticking } from "../ui/duration";
import { num, type PropsOf } from "../values";
import { useSession } from "./context";

interface WaitingProps {
  list: BlockList;
  /** The run or the agent that the blocks belong to; it has not ended. */
  owner: PropsOf<"run"> | PropsOf<"agent">;
}

export function Waiting({ list, owner }: WaitingProps) {
  // A block older than a page has ended, or shows its activity far above: it is not looked at with
  // every block.
  const blocks = list.pages.value.at(-1)?.value ?? [];
  const last = blocks.at(-1);
  const label = waitingLabel(
    owner,
    last?.kind ?? null,
    blocks.every((block) => block.closed.value),
  );
  const { status, awaiting } = useSession();
  if (label === "" || !isLive(status) || awaiting.value > 0) return null;
  const isAsked = last === undefined || isKind(last, "prompt");
  const { ended }: PropsOf<"tool"> = last?.props.value ?? {};
  return <Line label={label} since={num(isAsked ? owner.started : ended) ?? 0} atOnce={isAsked} />;
}

/**
 * Seconds after a call or a thought for which there is no such line: the next text mostly comes
 * sooner.
 */
const PATIENCE_S = 1;

function Line({ label, since, atOnce }: { label: string; since: number; atOnce: boolean }) {
  const { clock } = useSession();
  useEffect(() => clock.watch(), [clock]);
  const seconds = Math.max(0, clock.now.value - since);
  if (!atOnce && seconds < PATIENCE_S) return null;
  return (
    <Activity>
      {label} <span class="nb-time">{ticking(seconds)}</span>
    </Activity>
  );
}

/** Line that says that something goes on, with dots that move. */
export function Activity({ children }: { children: ComponentChildren }) {
  return (
    <p class="nb-note nb-waiting">
      <span class="nb-dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>{children}</span>
    </p>
  );
}
