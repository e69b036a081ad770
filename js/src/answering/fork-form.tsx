/**
 * The form for a fork: what is other in a run that goes on from a call or a request. The kernel
 * makes that run and shows it below this one.
 */

import { useState } from "preact/hooks";
import { forks as LABELS } from "../../../nbagent/protocol/labels.json";
import { walkTo } from "../forks/walk";
import type { Session } from "../session";
import { fill } from "../shared";
import { num, record } from "../values";
import { useAct } from "./act";
import { ActForm } from "./act-form";
import { PartRoot } from "./part-root";

/** The place of a fork: the block of a call, or the number of a request. */
export type Place = { block: string } | { request: number };

export interface ForkFormProps {
  session: Session;
  place: Place;
  leave: () => void;
}

/** Return true if another run may go on from a place in this one. */
export function canFork({ runProps, peer, kernel }: Session): boolean {
  return runProps.can_fork === true && peer === "kernel" && kernel.state.value !== "gone";
}

export function ForkForm({ session, ...rest }: ForkFormProps) {
  return (
    <PartRoot session={session}>
      <LoadedForm session={session} {...rest} />
    </PartRoot>
  );
}

function LoadedForm({ session, place, leave }: ForkFormProps) {
  const [draft] = useState(() => new Map<string, unknown>());
  const act = useAct(session);
  if (act.outcome?.run) return <Made session={session} run={act.outcome.run} leave={leave} />;
  return (
    <ActForm
      session={session}
      name={"block" in place ? `fork/${place.block}` : `fork-request/${place.request}`}
      labels={LABELS}
      act={act}
      draft={draft}
      submit={(changes = "{}") => act.send((key) => ({ t: "fork", key, ...place, changes }))}
      leave={leave}
    />
  );
}

/** The note that leads to the fork. */
function Made({ session, run, leave }: { session: Session; run: string; leave: () => void }) {
  const nodes = session.runProps.forks;
  const node = (Array.isArray(nodes) ? nodes : []).map(record).find((each) => each?.run === run);
  return (
    <p class="nb-note" role="status">
      {fill(LABELS.made, String(num(node?.number) ?? ""))}{" "}
      <button
        type="button"
        class="nb-link"
        onClick={({ currentTarget }) => {
          if (walkTo(run, currentTarget)) leave();
        }}
      >
        {LABELS.walk}
      </button>
    </p>
  );
}
