/**
 * Parts that all ways to answer a question have: the form around them, the row of buttons, and what
 * becomes of an answer.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Answer } from "../answers";
import type { Session } from "../session";
import type { Block } from "../store";
import { useSession } from "../transcript/context";
import { str } from "../values";

/** Time after which the view says why an answer has no effect yet. */
const OVERDUE_MS = 1500;

interface AnswerBoxProps {
  onSubmit?: () => void;
  /** Called for the Escape key; null if there is nothing to leave. */
  onEscape?: (() => void) | null;
  children: ComponentChildren;
}

export function AnswerBox({ onSubmit, onEscape = null, children }: AnswerBoxProps) {
  return (
    <form
      class="nb-answering"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit?.();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || onEscape === null) return;
        event.preventDefault();
        onEscape();
      }}
    >
      {children}
    </form>
  );
}

/** The row of buttons, below what was wrong with the last answer. */
export function Actions({
  block,
  children,
}: {
  block: Block<"approval">;
  children: ComponentChildren;
}) {
  const session = useSession();
  const sent = session.answers.sent(block);
  const overdue = useOverdue(sent);
  const problem = sent === null ? str(block.props.value.problem) : null;
  return (
    <>
      {problem !== null && <p class="nb-note nb-bad">{problem}</p>}
      <div class="nb-actions">{children}</div>
      {overdue && (
        <p class="nb-note">
          {delayText(session)}{" "}
          <button type="button" class="nb-link" onClick={() => sent && session.answer(block, sent)}>
            Send again
          </button>
        </p>
      )}
    </>
  );
}

function delayText({ kernel, peer }: Session): string {
  if (peer === "server") return "The server has not taken the answer yet.";
  return kernel.state.value === "live"
    ? "The kernel is busy with a cell: it reads the answer when the cell ends."
    : "The answer has not reached the kernel.";
}

function useOverdue(sent: Answer | null): boolean {
  const [overdue, setOverdue] = useState<Answer | null>(null);
  useEffect(() => {
    if (sent === null) return;
    const timer = setTimeout(() => setOverdue(sent), OVERDUE_MS);
    return () => clearTimeout(timer);
  }, [sent]);
  return sent !== null && overdue === sent;
}

interface ChooseProps {
  block: Block<"approval">;
  label: string;
  title?: string;
  /** Return true if the answer is the one that this button sends. */
  matches: (sent: Answer) => boolean;
  /** True for the button that the Enter key presses. */
  submits?: boolean;
  onClick?: () => void;
}

/** A button that sends an answer. While one is on its way no other is sent. */
export function Choose({ block, label, title, matches, submits = false, onClick }: ChooseProps) {
  const sent = useSession().answers.sent(block);
  return (
    // Not `disabled`, which would take the keyboard focus away.
    <button
      type={submits ? "submit" : "button"}
      class={submits ? "nb-button nb-go" : "nb-button"}
      title={title}
      aria-disabled={sent !== null}
      onClick={(event) => {
        if (sent !== null) event.preventDefault();
        else onClick?.();
      }}
    >
      {sent !== null && matches(sent) ? "Sending…" : label}
    </button>
  );
}

/** State of a question's controls that outlives their panel. */
export function useDraft<T>(
  block: Block<"approval">,
  field: string,
  initial: T,
): [T, (value: T) => void] {
  const draft = useSession().answers.draft(block);
  const [value, setValue] = useState<T>(draft.has(field) ? (draft.get(field) as T) : initial);
  const set = (next: T) => {
    draft.set(field, next);
    setValue(next);
  };
  return [value, set];
}
