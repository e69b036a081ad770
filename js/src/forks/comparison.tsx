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
  const idle = isShown ? LABELS.compare_again : LABELS.compare;
  return (
    <div class="nb-compared">
      <div class="nb-actions">
        <button
          type="button"
          class="nb-button"
          aria-disabled={act.isSent}
          onClick={() => act.send((key) => ({ t: "compare", key }))}
        >
          {act.isSent ? LABELS.comparing : idle}
        </button>
        {isShown && (
          <button type="button" class="nb-button" onClick={() => setClosed(html)}>
            {LABELS.close}
          </button>
        )}
      </div>
      {act.isOverdue && <p class="nb-note">{LABELS.overdue}</p>}
      {act.problem !== null && <p class="nb-note nb-bad">{act.problem}</p>}
      {isShown && <Result bundle={{ "text/html": html }} />}
    </div>
  );
}
