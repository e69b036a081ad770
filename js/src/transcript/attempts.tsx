/**
 * Acts of a reader on a tool call afterwards, and their results: drawn by the lazy part
 * `answering.js`.
 */

import type { ComponentChildren, FunctionComponent } from "preact";
import { attempt as LABELS } from "../../../nbagent/protocol/labels.json";
import type { Session } from "../session";
import { fill } from "../shared";
import { isToolLive } from "../status";
import type { Block } from "../store";
import { record, str } from "../values";
import { useSession } from "./context";
import { loadDrawn } from "./drawn-module";
import { useLoaded } from "./lazy";
import { Result } from "./result";

export interface AttemptPartProps {
  session: Session;
  block: Block<"tool">;
  /** Draws a result: the part has no copy of it. */
  Result: typeof Result;
}

/** Difference of an attempt's result and the first one; nothing for a call of the model. */
export function Compared({ block }: { block: Block<"tool"> }) {
  const { difference } = block.props.value;
  if (difference === undefined || difference === null) return null;
  return (
    <section class="nb-section">
      <div class="nb-caption">{fill(LABELS.compared, str(record(difference)?.note) ?? "…")}</div>
      <AttemptPart name="Difference" block={block} />
    </section>
  );
}

/** The buttons below a call that can be made again, and below an attempt that runs. */
export function Attempts({ block }: { block: Block<"tool"> }) {
  const session = useSession();
  const { attempt_of: of, can_rerun: canRerun, state } = block.props.value;
  const live = isToolLive(str(state) ?? "") && !block.closed.value;
  const repeatable = canRerun === true || session.runProps.can_fork === true;
  const offered = str(of) === null ? repeatable && !live && state !== "approval-requested" : live;
  return offered && session.kernel.state.value !== "gone" ? (
    <AttemptPart name="AttemptControls" block={block} />
  ) : null;
}

/** A component of the part; nothing until it is loaded. */
function AttemptPart({
  name,
  block,
}: {
  name: "Difference" | "AttemptControls";
  block: Block<"tool">;
}): ComponentChildren {
  const session = useSession();
  const { value: module, problem } = useLoaded(
    () => loadDrawn(session, "answering.js"),
    0,
    session,
  );
  const Drawn: FunctionComponent<AttemptPartProps> | undefined = module?.[name];
  return Drawn ? <Drawn session={session} block={block} Result={Result} /> : problem;
}
