/** The button that keeps the run as a test, and the sentence that says where. */

import { keep as LABELS } from "../../../nbagent/protocol/labels.json";
import { useAct } from "../answering/act";
import type { Session } from "../session";
import { fill } from "../shared";

export function KeepButton({ session }: { session: Session }) {
  const act = useAct(session);
  const file = act.outcome?.file ?? null;
  return (
    <>
      <div class="nb-copies">
        <button
          type="button"
          class="nb-button"
          aria-disabled={act.isSent}
          onClick={() => act.send((key) => ({ t: "keep", key }))}
        >
          {act.isSent ? LABELS.keeping : LABELS.label}
        </button>
      </div>
      <p class={`nb-note nb-outcome ${act.problem === null ? "" : "nb-bad"}`} role="status">
        {act.problem ?? (file === null ? "" : fill(LABELS.kept, file))}
      </p>
    </>
  );
}
