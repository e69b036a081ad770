/** The button that compares the runs of the tree, and the table of what differs. */

import { useState } from "preact/hooks";
import { forks as LABELS } from "../../../nbagent/protocol/labels.json";
import { useAct } from "../answering/act";
import type { ForksProps } from "../transcript/fork-tree";

export function Comparison({ session, Result }: ForksProps) {
  const act = useAct(session);
  const [closed, setClosed] = useState<unknown>(null);
  const html = act.outcome?.html ?? null;
  const isShown = html !== null && html !== closed;
  const idle = isShown ? LABELS.close : LABELS.compare;
  const compare = () => act.send((key) => ({ t: "compare", key }));
  const close = () => setClosed(html);
  const [isLate, problem] = [act.isOverdue, act.problem];
  return (
    <>
      <button
        type="button"
        class="nb-button nb-compare"
        aria-disabled={act.isSent}
        onClick={isShown ? close : compare}
      >
        {act.isSent ? LABELS.comparing : idle}
      </button>
      {(isShown || isLate || problem !== null) && (
        <div class="nb-compared">
          {isLate && <p class="nb-note">{LABELS.overdue}</p>}
          {problem !== null && <p class="nb-note nb-bad">{problem}</p>}
          {isShown && <Result bundle={{ "text/html": html }} />}
        </div>
      )}
    </>
  );
}
