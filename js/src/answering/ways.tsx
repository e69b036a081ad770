/** The ways to answer a question: permission, with changed arguments or none; one of several answers; an input; a sign-in. */

import { useRef, useState } from "preact/hooks";
import type { Answer } from "../answers";
import { LINK_ATTRS, visibleUrl } from "../markdown/url";
import type { Block } from "../store";
import { Arguments } from "../transcript/arguments";
import { useSession } from "../transcript/context";
import { jsonText, str, strings } from "../values";
import { Actions, AnswerBox, Choose, useDraft } from "./answer-box";
import { AnswerForm } from "./answer-form";
import type { FormHandle } from "./form";
import { signInUrl } from "./sign-in-url";

/** Characters of a reason that the kernel takes (nbagent/protocol/messages.py). */
const REASON_CHARS = 10_000;

interface WayProps {
  block: Block<"approval">;
  answer: (answer: Answer) => void;
}

export function Way({ block }: { block: Block<"approval"> }) {
  const session = useSession();
  const { approval_kind: kind, options } = block.props.value;
  const Kind = kind === "auth" ? SignIn : strings(options).length > 0 ? Choice : kind === "input" ? Input : Permission;
  return <Kind block={block} answer={(answer) => session.answer(block, answer)} />;
}

type Mode = "ask" | "edit" | "deny";

/** Permission to call a tool: allow, with changed arguments if the reader wants, or deny, with a reason. */
function Permission({ block, answer }: WayProps) {
  const { args, can_remember: canRemember } = block.props.value;
  const [mode, setMode] = useDraft<Mode>(block, "mode", "ask");
  const [reason, setReason] = useDraft(block, "reason", "");
  const [changed, setChanged] = useState(false);
  const form = useRef<FormHandle>(null);
  const openers = { ask: useRef(null), edit: useRef<HTMLButtonElement>(null), deny: useRef<HTMLButtonElement>(null) };
  // A panel that is opened again shows the mode that it had, without taking the focus.
  const entered = useRef(false);
  const enter = (next: Mode) => {
    entered.current = true;
    setMode(next);
  };
  const leave = () => {
    form.current?.discard();
    setChanged(false);
    setMode("ask");
    // The button that was pressed before is back with the next drawing.
    requestAnimationFrame(() => openers[mode].current?.focus());
  };
  const allow = (remember: boolean) => {
    const value = mode === "edit" ? form.current?.read() : undefined;
    if (value !== null) answer({ decision: "approve", ...(value && { value }), ...(remember && { remember }) });
  };
  const deny = () => answer({ decision: "deny", ...(reason.trim() && { reason: reason.trim() }) });
  const focusOnce = (element: HTMLElement | null) => {
    if (entered.current) element?.focus();
    entered.current = false;
  };
  if (mode === "deny") {
    return (
      <AnswerBox onSubmit={deny} onEscape={leave}>
        <Arguments args={args} />
        <label class="nb-control">
          <span class="nb-caption">Reason, for the model</span>
          <input
            ref={focusOnce}
            class="nb-input"
            type="text"
            placeholder="optional"
            maxLength={REASON_CHARS}
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        <Actions block={block}>
          <Choose block={block} label="Deny" matches={({ decision }) => decision === "deny"} submits />
          <button type="button" class="nb-button" onClick={leave}>
            Back
          </button>
        </Actions>
      </AnswerBox>
    );
  }
  const editing = mode === "edit";
  return (
    <AnswerBox onSubmit={() => allow(false)} onEscape={editing ? leave : null}>
      {editing ? (
        <AnswerForm block={block} handle={form} onChange={setChanged} focusOnce={focusOnce} />
      ) : (
        <Arguments args={args} />
      )}
      <Actions block={block}>
        <Choose
          block={block}
          label={editing && changed ? "Allow with changes" : "Allow"}
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
        <button ref={openers.deny} type="button" class="nb-button" onClick={() => enter("deny")}>
          Deny…
        </button>
        <span class="nb-grow" />
        {editing && (
          <button type="button" class="nb-button" onClick={leave}>
            Discard changes
          </button>
        )}
        {!editing && args !== undefined && args !== null && (
          <button ref={openers.edit} type="button" class="nb-button" onClick={() => enter("edit")}>
            Edit…
          </button>
        )}
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
        <Choose block={block} label="Submit" matches={({ decision }) => decision === "approve"} submits />
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
        <Choose block={block} label="I have signed in" matches={({ decision }) => decision === "approve"} submits />
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
