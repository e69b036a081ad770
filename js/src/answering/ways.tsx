/**
 * The ways to answer a question: permission, with changed arguments or none; one of several
 * answers; an input; a sign-in.
 */

import { useRef } from "preact/hooks";
import type { Answer } from "../answers";
import { LINK_ATTRS, visibleUrl } from "../markdown/url";
import type { Block } from "../store";
import { Arguments } from "../transcript/arguments";
import { useSession } from "../transcript/context";
import { jsonText, str, strings } from "../values";
import { Actions, AnswerBox, Choose, useDraft } from "./answer-box";
import { AnswerForm, useArguments } from "./answer-form";
import type { FormHandle } from "./form";
import { Line, Plain, useMode } from "./modes";
import { signInUrl } from "./sign-in-url";
import { Stop } from "./stop";

export interface WayProps {
  block: Block<"approval">;
  answer: (answer: Answer) => void;
}

export function Way({ block }: { block: Block<"approval"> }) {
  const session = useSession();
  const { approval_kind: kind, options } = block.props.value;
  if (kind === "stop")
    return <Stop block={block} answer={(answer) => session.answer(block, answer)} />;
  const Kind =
    kind === "auth"
      ? SignIn
      : strings(options).length > 0
        ? Choice
        : kind === "input"
          ? Input
          : Permission;
  return <Kind block={block} answer={(answer) => session.answer(block, answer)} />;
}

type Mode = "ask" | "deny";

/**
 * Permission to call a tool: allow, with the arguments as the reader leaves them in their fields,
 * or deny, with a reason.
 */
function Permission({ block, answer }: WayProps) {
  const { args, can_remember: canRemember } = block.props.value;
  const [reason, setReason] = useDraft(block, "reason", "");
  const { mode, opener, enter, leave, focusOnce } = useMode<Mode>(block, "ask");
  const { fields, changed, read } = useArguments(block);
  const allow = (remember: boolean) => {
    const made = read();
    if (made !== null) answer({ decision: "approve", ...made, ...(remember && { remember }) });
  };
  const deny = () => answer({ decision: "deny", ...(reason.trim() && { reason: reason.trim() }) });
  if (mode === "deny") {
    return (
      <AnswerBox onSubmit={deny} onEscape={leave}>
        <Arguments args={args} />
        <Line
          label="Reason, for the model"
          text={reason}
          onText={setReason}
          focusOnce={focusOnce}
        />
        <Actions block={block}>
          <Choose
            block={block}
            label="Deny"
            matches={({ decision }) => decision === "deny"}
            submits
          />
          <Plain label="Back" onClick={leave} />
        </Actions>
      </AnswerBox>
    );
  }
  return (
    <AnswerBox onSubmit={() => allow(false)}>
      {fields}
      <Actions block={block}>
        <Choose
          block={block}
          label={changed ? "Allow with changes" : "Allow"}
          title={fields ? "Ctrl+Enter in a field" : undefined}
          matches={({ decision, remember }) => decision === "approve" && remember !== true}
          submits
        />
        {canRemember === true && (
          <Choose
            block={block}
            label="Allow always"
            title="Allow this, and all further calls of this tool in this session"
            matches={({ remember }) => remember === true}
            onClick={() => allow(true)}
          />
        )}
        <Plain label="Deny…" button={opener("deny")} onClick={() => enter("deny")} />
      </Actions>
    </AnswerBox>
  );
}

/** One of the answers that the asker offers. */
function Choice({ block, answer }: WayProps) {
  const { args, options } = block.props.value;
  return (
    <AnswerBox>
      <Arguments args={args} />
      <Actions block={block}>
        {strings(options).map((option) => (
          <Choose
            key={option}
            block={block}
            label={option}
            matches={({ value }) => value === jsonText(option)}
            onClick={() => answer({ decision: "approve", value: jsonText(option) })}
          />
        ))}
        <span class="nb-grow" />
        <Cancel block={block} answer={answer} />
      </Actions>
    </AnswerBox>
  );
}

/** An input, of the schema's form. */
function Input({ block, answer }: WayProps) {
  const form = useRef<FormHandle>(null);
  const submit = () => {
    const value = form.current?.read();
    if (typeof value === "string") answer({ decision: "approve", value });
  };
  return (
    <AnswerBox onSubmit={submit}>
      <Arguments args={block.props.value.args} />
      <AnswerForm block={block} handle={form} />
      <Actions block={block}>
        <Choose
          block={block}
          label="Submit"
          matches={({ decision }) => decision === "approve"}
          submits
        />
        <Cancel block={block} answer={answer} />
      </Actions>
    </AnswerBox>
  );
}

/** A sign-in, which happens on another page. */
function SignIn({ block, answer }: WayProps) {
  const { args, prompt } = block.props.value;
  const url = signInUrl(args, str(prompt));
  return (
    <AnswerBox onSubmit={() => answer({ decision: "approve" })}>
      {url === null ? (
        <Arguments args={args} />
      ) : (
        <p>
          <a class="nb-sign-in" href={url} {...LINK_ATTRS}>
            {visibleUrl(url)}
          </a>
        </p>
      )}
      <Actions block={block}>
        <Choose
          block={block}
          label="I have signed in"
          matches={({ decision }) => decision === "approve"}
          submits
        />
        <Cancel block={block} answer={answer} />
      </Actions>
    </AnswerBox>
  );
}

function Cancel({ block, answer }: WayProps) {
  return (
    <Choose
      block={block}
      label="Cancel"
      matches={({ decision }) => decision === "cancel"}
      onClick={() => answer({ decision: "cancel" })}
    />
  );
}
