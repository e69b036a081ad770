/**
 * The buttons by which a reader makes a tool call again, with other arguments if they want, and
 * stops that.
 */

import { useEffect, useState } from "preact/hooks";
import { forks as FORKS, attempt as LABELS } from "../../../nbagent/protocol/labels.json";
import type { Block } from "../store";
import type { AttemptPartProps } from "../transcript/attempts";
import { useSession } from "../transcript/context";
import { str, strings } from "../values";
import { canFork, ForkForm } from "./fork-form";
import { Plain } from "./modes";
import { PartRoot } from "./part-root";
import { RerunForm } from "./rerun-form";

/** Time after which a wish that the kernel has not answered may be sent again. */
const ANSWER_MS = 5000;

export function AttemptControls({ session, block }: AttemptPartProps) {
  const isAttempt = str(block.props.value.attempt_of) !== null;
  return (
    <PartRoot session={session}>
      {isAttempt ? <StopAttempt block={block} /> : <RunAgain block={block} />}
    </PartRoot>
  );
}

function RunAgain({ block }: { block: Block<"tool"> }) {
  const session = useSession();
  const [form, setForm] = useState<"rerun" | "fork" | null>(null);
  const [draft] = useState(() => new Map<string, unknown>());
  const count = attemptCount(block);
  useEffect(() => setForm(null), [count]);
  const { sent, send } = useSent(block, (args?: string, force = false) =>
    session.rerun(block, { ...(args !== undefined && { args }), ...(force && { force }) }),
  );
  const props = block.props.value;
  const problem = sent ? null : str(props.problem);
  const repeatable = props.can_rerun === true;
  // A form for arguments that are hidden would show what is hidden, or begin empty.
  const editable = !strings(props.hidden).includes("arguments");
  const leave = () => setForm(null);
  if (form === "fork")
    return <ForkForm session={session} place={{ block: block.id }} leave={leave} />;
  if (form === "rerun")
    return <RerunForm block={block} draft={draft} send={send} sent={sent} leave={leave} />;
  return (
    <section class="nb-section nb-again">
      {problem !== null && <p class="nb-note nb-bad">{problem}</p>}
      <div class="nb-actions">
        {repeatable && (
          <button type="button" class="nb-button" aria-disabled={sent} onClick={() => send()}>
            {sent ? LABELS.running : LABELS.again}
          </button>
        )}
        {repeatable && editable && <Plain label={LABELS.edit} onClick={() => setForm("rerun")} />}
        {canFork(session) && <Plain label={FORKS.begin} onClick={() => setForm("fork")} />}
      </div>
    </section>
  );
}

function StopAttempt({ block }: { block: Block<"tool"> }) {
  const session = useSession();
  const [stopping, setStopping] = useState(false);
  return (
    <div class="nb-actions">
      <button
        type="button"
        class="nb-button nb-stop"
        aria-disabled={stopping}
        onClick={() => {
          setStopping(true);
          session.stopAttempt(block);
        }}
      >
        {stopping ? LABELS.stopping : LABELS.stop}
      </button>
    </div>
  );
}

/**
 * Return true while a wish is on its way: until the call has another attempt or a problem, or the
 * kernel was silent for long.
 */
function useSent(block: Block<"tool">, act: (args?: string, force?: boolean) => void) {
  const [sent, setSent] = useState(false);
  const count = attemptCount(block);
  const { problem } = block.props.value;
  useEffect(() => setSent(false), [count, problem, block.props.value]);
  useEffect(() => {
    if (!sent) return;
    const timer = setTimeout(() => setSent(false), ANSWER_MS);
    return () => clearTimeout(timer);
  }, [sent]);
  return {
    sent,
    send(args?: string, force?: boolean) {
      if (sent) return;
      setSent(true);
      act(args, force);
    },
  };
}

function attemptCount(block: Block<"tool">): number {
  return block.children.pages.value.reduce((sum, page) => sum + page.value.length, 0);
}
