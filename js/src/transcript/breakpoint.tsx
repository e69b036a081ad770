/** Where a run stops, set by its reader: before the calls of a tool, or step by step. */

import { stop as LABELS } from "../../../nbagent/protocol/labels.json";
import { fill } from "../shared";
import { isLive } from "../status";
import { strings } from "../values";
import { useSession } from "./context";

/** True while breakpoints can be set: the run goes on, and its code looks for them. */
function useCanStop(): boolean {
  const session = useSession();
  return session.runProps.can_stop === true && isLive(session.status) && session.kernel.state.value !== "gone";
}

/** The dot beside a tool's row. */
export function Breakpoint({ tool }: { tool: string }) {
  const session = useSession();
  if (!useCanStop()) return null;
  const isSet = strings(session.runProps.stop_at).includes(tool);
  const label = fill(LABELS.before, tool);
  return (
    <button
      type="button"
      class="nb-breakpoint"
      aria-pressed={isSet}
      aria-label={label}
      title={label}
      onClick={() => session.setBreakpoint(tool, !isSet)}
    />
  );
}

/** The header's switch: stop before every call and every request to the model. */
export function StepSwitch() {
  const session = useSession();
  if (!useCanStop()) return null;
  const isOn = session.runProps.step === true;
  return (
    <button
      type="button"
      class="nb-button nb-step"
      aria-pressed={isOn}
      title="Stop before every call and every request to the model"
      onClick={() => session.setStep(!isOn)}
    >
      Step
    </button>
  );
}
