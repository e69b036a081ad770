/**
 * The way to answer at a breakpoint: go on, change the arguments, give a result or an error, run
 * again, or stop the run.
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useSession } from "../transcript/context";
import { JSON_CHARS, Lazy, lazyValueOf } from "../transcript/lazy";
import { jsonText, str } from "../values";
import { Actions, AnswerBox, Choose, useDraft } from "./answer-box";
import { useArguments } from "./answer-form";
import { indented } from "./form/indent";
import { parse } from "./form/json";
import { Line, Plain, useMode } from "./modes";
import type { WayProps } from "./ways";

type Mode = "ask" | "result" | "error" | "deny";

const GO_ON_KEY = "F8";
const STEP_KEY = "F10";
const RESULT_ROWS = 12;

export function Stop({ block, answer: sendAnswer }: WayProps) {
  const session = useSession();
  // The keys are not buttons, which send nothing while an answer is on its way.
  const answer: WayProps["answer"] = (made) =>
    session.answers.sent(block) === null && sendAnswer(made);
  const { stage, can_remember: canRemember } = block.props.value;
  const { mode, opener, enter, leave, focusOnce } = useMode<Mode>(block, "ask");
  const { fields, changed, read } = useArguments(block);
  const [text, setText] = useDraft(block, "text", "");
  const [result, setResult] = useDraft<string | null>(block, "result", null);
  const [refused, setRefused] = useState<string | null>(null);
  const keys = useRef<Record<string, () => void>>({});
  const box = useStopKeys(keys);
  const atResult = stage === "result";
  /** Send a decision, with the arguments if these were changed; nothing if they do not fit. */
  const send = (decision: "again" | "approve" | "step", remember = false) => {
    const made = read();
    if (made !== null) answer({ decision, ...made, ...(remember && { remember }) });
  };
  const say = (decision: "deny" | "error") =>
    answer({ decision, ...(text.trim() && { reason: text.trim() }) });
  const give = () => {
    // A result that was left alone is the call's own.
    if (result === null && atResult) return answer({ decision: "approve" });
    const { value, problem = null } = asJson(result ?? "");
    setRefused(problem);
    if (value !== undefined) answer({ decision: "result", value });
  };
  // A call that has its result takes other arguments by running again.
  const runsAgain = atResult && changed;
  const goOn = () => send(runsAgain ? "again" : "approve");
  keys.current = {
    [GO_ON_KEY]:
      mode === "result" ? give : mode === "error" || mode === "deny" ? () => say(mode) : goOn,
    ...(stage === "call" && mode === "ask" && { [STEP_KEY]: () => send("step") }),
    ...(stage !== "call" && mode === "ask" && { [STEP_KEY]: goOn }),
  };

  if (mode === "error" || mode === "deny") {
    const name = mode === "deny" ? "Deny" : "Fail";
    return (
      <AnswerBox onSubmit={() => say(mode)} onEscape={leave}>
        <div ref={box} />
        <Line
          label={mode === "deny" ? "Reason, for the model" : "Message of the error"}
          text={text}
          onText={setText}
          focusOnce={focusOnce}
        />
        <Actions block={block}>
          <Choose
            block={block}
            label={name}
            matches={({ decision }) => decision === mode}
            submits
          />
          <Plain label="Back" onClick={leave} />
        </Actions>
      </AnswerBox>
    );
  }
  if (mode === "result") {
    return (
      <AnswerBox onSubmit={give} onEscape={leave}>
        <div ref={box} />
        <ResultText block={block} text={result} onText={setResult} focusOnce={focusOnce} />
        {refused !== null && (
          <p class="nb-problem" role="alert">
            This begins as JSON does, and is none: {refused}. To give it as a text, put it in
            quotation marks.
          </p>
        )}
        <Actions block={block}>
          <Choose
            block={block}
            label={atResult ? "Use this result" : "Give this result"}
            title="JSON, or any text"
            matches={() => true}
            submits
          />
          <Plain
            label="Back"
            onClick={() => {
              setResult(null);
              leave();
            }}
          />
        </Actions>
      </AnswerBox>
    );
  }
  return (
    <AnswerBox onSubmit={goOn}>
      <div ref={box} />
      {fields}
      <Actions block={block}>
        <Choose
          block={block}
          label={goOnLabel(str(stage), changed)}
          title={`Go on (Enter, ${GO_ON_KEY}${fields ? ", Ctrl+Enter in a field" : ""})`}
          matches={({ decision, remember }) =>
            decision === (runsAgain ? "again" : "approve") && remember !== true
          }
          submits
        />
        {stage === "call" && (
          <Choose
            block={block}
            label="Run, then stop"
            title={`Run the call, and stop at its result (${STEP_KEY})`}
            matches={({ decision }) => decision === "step"}
            onClick={() => send("step")}
          />
        )}
        {canRemember === true && (
          <Choose
            block={block}
            label="Allow always"
            title="Run this, and allow all further calls of this tool in this session"
            matches={({ remember }) => remember === true}
            onClick={() => send("approve", true)}
          />
        )}
        {atResult && !changed && (
          <Choose
            block={block}
            label="Run again"
            matches={({ decision }) => decision === "again"}
            onClick={() => send("again")}
          />
        )}
        {stage !== "request" && (
          <>
            <Plain
              label={atResult ? "Change the result…" : "Give a result…"}
              button={opener("result")}
              onClick={() => enter("result")}
            />
            <Plain label="Fail…" button={opener("error")} onClick={() => enter("error")} />
            {canRemember === true && (
              <Plain label="Deny…" button={opener("deny")} onClick={() => enter("deny")} />
            )}
          </>
        )}
        <span class="nb-grow" />
        <Plain label="Stop the run" onClick={() => session.stop()} />
      </Actions>
    </AnswerBox>
  );
}

function goOnLabel(stage: string | null, changed: boolean): string {
  if (stage === "result") return changed ? "Run again with changes" : "Continue";
  if (stage === "request") return "Continue";
  return changed ? "Run with changes" : "Run";
}

/**
 * A result as JSON: the text itself if it is JSON, else a string; a problem where it begins as JSON
 * does and is none.
 */
function asJson(text: string): { value?: string; problem?: string } {
  try {
    JSON.parse(text);
    return { value: text.trim() };
  } catch (error) {
    if (/^\s*[[{"]/.test(text)) return { problem: (error as Error).message };
    return { value: jsonText(text) };
  }
}

interface ResultTextProps extends Pick<WayProps, "block"> {
  /** The text that was typed; null if none was. */
  text: string | null;
  onText: (text: string) => void;
  focusOnce: (element: HTMLElement | null) => void;
}

/** The field of a result. At a result it begins with the call's own, as the model reads it. */
function ResultText({ block, text, onText, focusOnce }: ResultTextProps) {
  const { result } = block.props.value;
  const isTooLarge = (lazyValueOf(result)?.size ?? 0) > JSON_CHARS;
  return (
    <Lazy value={isTooLarge ? "" : result} text limit={JSON_CHARS}>
      {(own) => {
        const shown = text ?? readable(str(own) ?? "");
        return (
          <label class="nb-control">
            <span class="nb-caption">Result, as JSON or text</span>
            <textarea
              ref={focusOnce}
              class="nb-input"
              rows={Math.min(RESULT_ROWS, Math.max(2, shown.split("\n").length))}
              spellcheck={false}
              placeholder={
                isTooLarge
                  ? "Too large to be edited here; what is typed stands in its place"
                  : undefined
              }
              value={shown}
              onInput={({ currentTarget }) => onText(currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
                event.preventDefault();
                event.currentTarget.form?.requestSubmit();
              }}
            />
          </label>
        );
      }}
    </Lazy>
  );
}

function readable(text: string): string {
  try {
    return indented(parse(text));
  } catch {
    return text;
  }
}

/**
 * Take the debugger's keys while the focus is in this run's view, on a breakpoint's dot too, but in
 * no other question; and the focus from the question before this one.
 */
function useStopKeys(keys: { current: Record<string, () => void> }) {
  const mark = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const question = mark.current?.closest<HTMLElement>(".nb-question");
    const frame = question?.closest<HTMLElement>(".nb-frame");
    if (!question || !frame) return;
    const focused = (question.getRootNode() as Document | ShadowRoot).activeElement;
    const isStepping = focused?.matches(".nb-question") && frame.contains(focused);
    if (isStepping && focused !== question) {
      question.focus({ preventScroll: true });
      question.scrollIntoView?.({ block: "nearest" });
    }
    const onKey = (event: KeyboardEvent) => {
      const { key, ctrlKey, metaKey, altKey, shiftKey, defaultPrevented } = event;
      if (ctrlKey || metaKey || altKey || shiftKey || defaultPrevented) return;
      const asked = (event.target as Element).closest(".nb-question");
      if (asked !== null && asked !== question) return;
      // Enter in a control is the control's own.
      const act = keys.current[key === "Enter" && event.target === question ? GO_ON_KEY : key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    frame.addEventListener("keydown", onKey);
    return () => frame.removeEventListener("keydown", onKey);
  }, []);
  return mark;
}
