/**
 * The form of the arguments with which a tool call is made again: those of the function as it is
 * now.
 */

import { useRef, useState } from "preact/hooks";
import { attempt as LABELS } from "../../../nbagent/protocol/labels.json";
import type { Session } from "../session";
import type { Block } from "../store";
import { useSession } from "../transcript/context";
import { JSON_CHARS, useLoaded } from "../transcript/lazy";
import { jsonText, record, str } from "../values";
import { AnswerBox } from "./answer-box";
import { Form, type FormHandle } from "./form";

interface RerunFormProps {
  block: Block<"tool">;
  /** Holds what was typed, for the next attempt. */
  draft: Map<string, unknown>;
  /** Sends all arguments as JSON; undefined for those of the call. */
  send: (args?: string, force?: boolean) => void;
  sent: boolean;
  leave: () => void;
}

export function RerunForm(props: RerunFormProps) {
  const session = useSession();
  const { value: text, problem } = useLoaded(
    () => loadText(session, `rerun/${props.block.id}`),
    0,
    session,
  );
  if (text === undefined) return <>{problem ?? <p class="nb-note">Loading the form…</p>}</>;
  return <Fields {...props} form={record(JSON.parse(text)) ?? {}} />;
}

function Fields({
  block,
  draft,
  send,
  sent,
  leave,
  form,
}: RerunFormProps & { form: Record<string, unknown> }) {
  const handle = useRef<FormHandle>(null);
  const [changed, setChanged] = useState(false);
  const [focused, setFocused] = useState(false);
  const once = form.once === true;
  const problem = sent ? null : str(block.props.value.problem);
  const run = () => {
    const args = handle.current?.read();
    if (args !== null) send(args, once);
  };
  const label = once ? LABELS.force : changed ? LABELS.changed : LABELS.again;
  return (
    <AnswerBox onSubmit={run} onEscape={leave}>
      <Form
        text={writtenArgs(block.stream("args_text").text, block.props.value.args)}
        schema={form.schema}
        draft={draft}
        handle={handle}
        onChange={setChanged}
        focusOnce={(element) => {
          if (!focused) element?.focus();
          setFocused(true);
        }}
      />
      {once && <p class="nb-note nb-ask">{LABELS.once}</p>}
      {problem !== null && <p class="nb-note nb-bad">{problem}</p>}
      <div class="nb-actions">
        <button type="submit" class="nb-button nb-go" aria-disabled={sent}>
          {sent ? LABELS.running : label}
        </button>
        <button type="button" class="nb-button" onClick={leave}>
          {LABELS.back}
        </button>
      </div>
    </AnswerBox>
  );
}

/**
 * The arguments as the model wrote them, if these are JSON, because JavaScript has not all of
 * JSON's numbers.
 */
function writtenArgs(written: string, args: unknown): string {
  try {
    JSON.parse(written);
    return written;
  } catch {
    return jsonText(record(args) ?? {});
  }
}

function loadText(session: Session, name: string): Promise<string> {
  return session.channel.lazyValues.whole(name, JSON_CHARS);
}
