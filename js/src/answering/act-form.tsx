/** A form of the kernel's, with the values of an act. */

import { useRef, useState } from "preact/hooks";
import { attempt as ATTEMPT } from "../../../nbagent/protocol/labels.json";
import type { ForkForm as WireForm } from "../protocol";
import type { Session } from "../session";
import { JSON_CHARS, useLoaded } from "../transcript/lazy";
import { record, str, type Unchecked } from "../values";
import type { Act } from "./act";
import { AnswerBox } from "./answer-box";
import { Form, type FormHandle } from "./form";

interface Labels {
  about: string;
  go: string;
  going: string;
  overdue: string;
}

interface ActFormProps {
  session: Session;
  /** Name by which the kernel is asked for the form. */
  name: string;
  labels: Labels;
  act: Act;
  /** Holds what was typed. */
  draft: Map<string, unknown>;
  /**
   * Called with the values as JSON: those that were changed or undefined, and those that the form
   * began with.
   */
  submit: (changed: string | undefined, begun: string) => void;
  leave: () => void;
}

export function ActForm({ session, name, ...rest }: ActFormProps) {
  const { value: text, problem } = useLoaded(
    () => session.channel.lazyValues.whole(name, JSON_CHARS),
    0,
    name,
  );
  if (text === undefined) return <>{problem ?? <p class="nb-note">Loading the form…</p>}</>;
  return <Fields {...rest} form={record(JSON.parse(text)) ?? {}} />;
}

interface FieldsProps extends Omit<ActFormProps, "session" | "name"> {
  form: Unchecked<WireForm>;
}

function Fields({ labels, act, draft, submit, leave, form }: FieldsProps) {
  const handle = useRef<FormHandle>(null);
  const [focused, setFocused] = useState(false);
  const begun = str(form.text) ?? "{}";
  const onSubmit = () => {
    const changed = handle.current?.read();
    if (changed !== null) submit(changed, begun);
  };
  return (
    <AnswerBox onSubmit={onSubmit} onEscape={leave}>
      <p class="nb-note">{labels.about}</p>
      <Form
        text={begun}
        schema={form.schema}
        draft={draft}
        handle={handle}
        focusOnce={(element) => {
          if (!focused) element?.focus();
          setFocused(true);
        }}
      />
      <div class="nb-act">
        <div role="status">
          {act.problem !== null && <p class="nb-note nb-bad">{act.problem}</p>}
          {act.isOverdue && <p class="nb-note">{labels.overdue}</p>}
        </div>
        <div class="nb-actions">
          <button type="submit" class="nb-button nb-go" aria-disabled={act.isSent}>
            {act.isSent ? labels.going : labels.go}
          </button>
          <button type="button" class="nb-button" onClick={leave}>
            {ATTEMPT.back}
          </button>
        </div>
      </div>
    </AnswerBox>
  );
}
