/**
 * The form of a request's fields, to send it again; then the new answer beside the first one.
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { attempt as ATTEMPT, send as LABELS } from "../../../nbagent/protocol/labels.json";
import type { Session } from "../session";
import type { Result } from "../transcript/result";
import { useAct } from "./act";
import { ActForm } from "./act-form";
import { Plain } from "./modes";
import { PartRoot } from "./part-root";

export interface SendFormProps {
  session: Session;
  /** Number of the request. */
  number: number;
  /** Draws the answers: this part has no copy of it. */
  Result: typeof Result;
  leave: () => void;
}

/** What was typed, by the number of the request. It outlives the form. */
const drafts = new WeakMap<Session, Map<number, Map<string, unknown>>>();

export function SendForm(props: SendFormProps) {
  return (
    <PartRoot session={props.session}>
      <Sending {...props} />
    </PartRoot>
  );
}

function Sending({ session, number, Result, leave }: SendFormProps) {
  const act = useAct(session);
  const [seen, setSeen] = useState<unknown>(null);
  const html = act.outcome?.html ?? null;
  if (html !== null && html !== seen)
    return <Answers html={html} Result={Result} edit={() => setSeen(html)} leave={leave} />;
  return (
    <ActForm
      session={session}
      name={`request/${number}/form`}
      labels={LABELS}
      act={act}
      draft={draftOf(session, number)}
      submit={(changed, begun) =>
        act.send((key) => ({ t: "send", key, request: number, fields: changed ?? begun }))
      }
      leave={leave}
    />
  );
}

interface AnswersProps extends Pick<SendFormProps, "Result" | "leave"> {
  html: unknown;
  edit: () => void;
}

function Answers({ html, Result, edit, leave }: AnswersProps) {
  const box = useRef<HTMLElement>(null);
  useLayoutEffect(() => box.current?.focus(), []);
  return (
    <section ref={box} class="nb-compared" aria-label={LABELS.answers} tabIndex={-1}>
      <Result bundle={{ "text/html": html }} />
      <div class="nb-actions">
        <Plain label={LABELS.again} onClick={edit} />
        <Plain label={ATTEMPT.back} onClick={leave} />
      </div>
    </section>
  );
}

function draftOf(session: Session, number: number): Map<string, unknown> {
  const ofSession = drafts.get(session) ?? new Map<number, Map<string, unknown>>();
  drafts.set(session, ofSession);
  const draft = ofSession.get(number) ?? new Map<string, unknown>();
  ofSession.set(number, draft);
  return draft;
}
