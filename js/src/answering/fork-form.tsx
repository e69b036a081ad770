/**
 * The form for a fork: what is other in a run that goes on from a call or a request. The kernel
 * makes that run and shows it below this one.
 */

import { useRef, useState } from "preact/hooks";
import { forks as LABELS } from "../../../nbagent/protocol/labels.json";
import { walkTo } from "../forks/walk";
import type { ForkForm as WireForm } from "../protocol";
import type { Session } from "../session";
import { fill } from "../shared";
import { JSON_CHARS, useLoaded } from "../transcript/lazy";
import { num, record, str, type Unchecked } from "../values";
import { type Act, useAct } from "./act";
import { AnswerBox } from "./answer-box";
import { Form, type FormHandle } from "./form";
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
  const name = `fork/${"block" in place ? place.block : ""}`;
  const { value: text, problem } = useLoaded(
    () => session.channel.lazyValues.whole(name, JSON_CHARS),
    0,
    name,
  );
  const act = useAct(session);
  if (act.outcome?.run) return <Made session={session} run={act.outcome.run} leave={leave} />;
  if (text === undefined) return <>{problem ?? <p class="nb-note">Loading the form…</p>}</>;
  const form: Unchecked<WireForm> = record(JSON.parse(text)) ?? {};
  return <Fields place={place} form={form} draft={draft} act={act} leave={leave} />;
}

interface FieldsProps extends Pick<ForkFormProps, "place" | "leave"> {
  form: Unchecked<WireForm>;
  draft: Map<string, unknown>;
  act: Act;
}

function Fields({ place, form, draft, act, leave }: FieldsProps) {
  const handle = useRef<FormHandle>(null);
  const [focused, setFocused] = useState(false);
  const submit = () => {
    const changes = handle.current?.read();
    if (changes !== null)
      act.send((key) => ({ t: "fork", key, ...place, changes: changes ?? "{}" }));
  };
  return (
    <AnswerBox onSubmit={submit} onEscape={leave}>
      <p class="nb-note">{LABELS.about}</p>
      <Form
        text={str(form.text) ?? "{}"}
        schema={form.schema}
        draft={draft}
        handle={handle}
        focusOnce={(element) => {
          if (!focused) element?.focus();
          setFocused(true);
        }}
      />
      {act.problem !== null && <p class="nb-note nb-bad">{act.problem}</p>}
      <div class="nb-actions">
        <button type="submit" class="nb-button nb-go" aria-disabled={act.isSent}>
          {act.isSent ? LABELS.going : LABELS.go}
        </button>
        <button type="button" class="nb-button" onClick={leave}>
          Back
        </button>
      </div>
      {act.isOverdue && <p class="nb-note">{LABELS.overdue}</p>}
    </AnswerBox>
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
