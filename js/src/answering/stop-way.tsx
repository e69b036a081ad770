/** The ways on from a breakpoint: go on, with other arguments, with a result or an error in place of the call's own. */

import { useRef, useState } from "preact/hooks";
import { Arguments } from "../transcript/arguments";
import { JSON_CHARS, Lazy, lazyValueOf } from "../transcript/lazy";
import { jsonText, str } from "../values";
import { Actions, AnswerBox, Choose, useDraft } from "./answer-box";
import { AnswerForm } from "./answer-form";
import type { FormHandle } from "./form";
import { ReasonField, type WayProps } from "./way";

type Mode = "ask" | "edit" | "result" | "error" | "deny";

/** Keys of debuggers, while a control of the question has the focus. */
const GO_ON_KEY = "F8";
const STEP_KEY = "F10";

export function StopWay({ block, answer }: WayProps) {
  const { args, stage, can_remember: isPermission } = block.props.value;
  const [mode, setMode] = useDraft<Mode>(block, "mode", "ask");
  const [reason, setReason] = useDraft(block, "reason", "");
  const [changed, setChanged] = useState(false);
  const form = useRef<FormHandle>(null);
  const entered = useRef(false);
  const box = useRef<HTMLFormElement>(null);

  const enter = (next: Mode) => {
    entered.current = true;
    setMode(next);
  };
  const leave = () => {
    form.current?.discard();
    setChanged(false);
    setMode("ask");
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>("button")?.focus());
  };
  const focusOnce = (element: HTMLElement | null) => {
    if (entered.current) element?.focus();
    entered.current = false;
  };
  const why = reason.trim() ? { reason: reason.trim() } : {};
  /** Send a decision, with the arguments of the form if they are being edited. */
  const decide = (decision: "approve" | "step" | "again") => {
    const value = mode === "edit" ? form.current?.read() : undefined;
    if (value !== null) answer({ decision, ...(value && { value }) });
  };
  const atResult = stage === "result";
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== GO_ON_KEY && event.key !== STEP_KEY) return;
    event.preventDefault();
    event.stopPropagation();
    decide(event.key === STEP_KEY && stage === "call" ? "step" : "approve");
  };

  if (mode === "result") return <GivenResult block={block} answer={answer} leave={leave} focusOnce={focusOnce} />;
  if (mode === "deny" || mode === "error") {
    return (
      <AnswerBox onSubmit={() => answer({ decision: mode, ...why })} onEscape={leave}>
        <Arguments args={args} />
        <ReasonField
          label={mode === "deny" ? "Reason, for the model" : "Message of the error, for the model"}
          value={reason}
          onChange={setReason}
          focusOnce={focusOnce}
        />
        <Actions block={block}>
          <Choose
            block={block}
            label={mode === "deny" ? "Deny" : "Let it fail"}
            matches={({ decision }) => decision === mode}
            submits
          />
          <Back onClick={leave} />
        </Actions>
      </AnswerBox>
    );
  }
  return (
    <AnswerBox
      form={box}
      onKey={onKey}
      onSubmit={() => decide(atResult && mode === "edit" ? "again" : "approve")}
      onEscape={mode === "edit" ? leave : null}
    >
      {mode === "edit" ? (
        <AnswerForm block={block} handle={form} onChange={setChanged} focusOnce={focusOnce} />
      ) : (
        <Arguments args={args} />
      )}
      <Actions block={block}>
        {atResult && mode === "edit" ? (
          <Choose block={block} label="Run again" matches={({ decision }) => decision === "again"} submits />
        ) : (
          <Choose
            block={block}
            label={stage === "call" ? (changed ? "Run with changes" : "Run") : "Go on"}
            title={GO_ON_KEY}
            matches={({ decision, remember }) => decision === "approve" && remember !== true}
            submits
          />
        )}
        {stage === "call" && (
          <Choose
            block={block}
            label="Run, then stop"
            title={`Run the call, and stop at its result (${STEP_KEY})`}
            matches={({ decision }) => decision === "step"}
            onClick={() => decide("step")}
          />
        )}
        {mode === "ask" && isPermission === true && (
          <Choose
            block={block}
            label="Allow always"
            title="Run this, and allow all further calls of this tool in this session"
            matches={({ remember }) => remember === true}
            onClick={() => answer({ decision: "approve", remember: true })}
          />
        )}
        {mode === "ask" && atResult && (
          <Choose
            block={block}
            label="Run again"
            matches={({ decision }) => decision === "again"}
            onClick={() => decide("again")}
          />
        )}
        {mode === "ask" && stage !== "request" && (
          <>
            <Open label={atResult ? "Change the result…" : "Give a result…"} onClick={() => enter("result")} />
            <Open label="Fail…" onClick={() => enter("error")} />
          </>
        )}
        {mode === "ask" && isPermission === true && <Open label="Deny…" onClick={() => enter("deny")} />}
        <span class="nb-grow" />
        {mode === "edit" && <Back label="Discard changes" onClick={leave} />}
        {mode === "ask" && args !== undefined && args !== null && (
          <Open label={atResult ? "Edit and run again…" : "Edit…"} onClick={() => enter("edit")} />
        )}
      </Actions>
    </AnswerBox>
  );
}

function Open({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button type="button" class="nb-button" onClick={onClick}>
      {label}
    </button>
  );
}

function Back({ label = "Back", onClick }: { label?: string; onClick: () => void }) {
  return <Open label={label} onClick={onClick} />;
}

interface GivenResultProps extends WayProps {
  leave: () => void;
  focusOnce: (element: HTMLElement | null) => void;
}

/** A result in place of the call's own: JSON, or else a text. */
function GivenResult({ block, answer, leave, focusOnce }: GivenResultProps) {
  const { args, result } = block.props.value;
  return (
    <Lazy value={result ?? null} text limit={JSON_CHARS}>
      {(loaded) => (
        <ResultEditor
          block={block}
          answer={answer}
          leave={leave}
          focusOnce={focusOnce}
          args={args}
          initial={lazyValueOf(result) === null ? writtenResult(result) : String(loaded)}
        />
      )}
    </Lazy>
  );
}

function ResultEditor({
  block,
  answer,
  leave,
  focusOnce,
  args,
  initial,
}: GivenResultProps & { args: unknown; initial: string }) {
  const [text, setText] = useDraft(block, "result", initial);
  const give = () => answer({ decision: "result", value: resultJson(text) });
  return (
    <AnswerBox onSubmit={give} onEscape={leave}>
      <Arguments args={args} />
      <label class="nb-control">
        <span class="nb-caption">Result: JSON, or else a text</span>
        <textarea
          ref={focusOnce}
          class="nb-input"
          rows={Math.min(12, text.split("\n").length + 1)}
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            give();
          }}
        />
      </label>
      <Actions block={block}>
        <Choose
          block={block}
          label="Give this result"
          title="Ctrl+Enter"
          matches={({ decision }) => decision === "result"}
          submits
        />
        <Back onClick={leave} />
      </Actions>
    </AnswerBox>
  );
}

/** A result as it is edited: a text as it is, unless it would be read as JSON; any other value as indented JSON. */
export function writtenResult(result: unknown): string {
  if (result === undefined || result === null) return "";
  const text = str(result);
  if (text === null) return JSON.stringify(result, null, 2);
  return isJson(text) ? jsonText(text) : text;
}

/** What was typed, as JSON. */
export function resultJson(text: string): string {
  return isJson(text) ? text : jsonText(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
