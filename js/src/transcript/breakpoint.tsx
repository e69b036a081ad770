/**
 * Breakpoints that the reader sets while the run goes on: a dot beside the row of a tool, and Step
 * in the header.
 */

import { breakpoint as LABELS } from "../../../nbagent/protocol/labels.json";
import type { Session } from "../session";
import { fill } from "../shared";
import { isLive } from "../status";
import { Icon } from "../ui/icons";
import { strings } from "../values";
import { useSession } from "./context";

/** Name in `stop_at` that stands for every tool. */
const EVERY = "*";

export function BreakpointButton({ tool }: { tool: string | null }) {
  const session = useSession();
  if (tool === null || !canStop(session)) return null;
  const stopAt = strings(session.runProps.stop_at);
  const name = stopAt.includes(EVERY) ? EVERY : tool;
  const set = stopAt.includes(name);
  const label = name === EVERY ? LABELS.every : fill(LABELS.tool, tool);
  return (
    <button
      type="button"
      class="nb-breakpoint"
      aria-pressed={set}
      aria-label={label}
      title={label}
      onClick={() => session.setBreakpoint(name, !set)}
    />
  );
}

export function StepButton() {
  const session = useSession();
  if (!canStop(session)) return null;
  const on = session.runProps.step === true;
  return (
    <button
      type="button"
      class="nb-button nb-bare"
      aria-pressed={on}
      title={LABELS.steps}
      onClick={() => session.setStep(!on)}
    >
      <Icon name="step" />
      {LABELS.step}
    </button>
  );
}

function canStop(session: Session): boolean {
  const { can_stop: possible } = session.runProps;
  return possible === true && isLive(session.status) && session.kernel.state.value !== "gone";
}
