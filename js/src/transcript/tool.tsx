/** A tool call: `name(args…) → summary · 1.3s`, and a panel with arguments, result or error. */

import { useEffect, useState } from "preact/hooks";
import {
  tool_changed as CHANGED,
  tool as LABELS,
  tool_note as NOTES,
} from "../../../nbagent/protocol/labels.json";
import { isOpen } from "../answers";
import type { ToolError, ToolProgress, ToolState } from "../protocol";
import { LIMITS } from "../shared";
import { isToolLive, toolNote, toolStateLabel } from "../status";
import type { Block } from "../store";
import { Disclosure } from "../ui/disclosure";
import { Icon, type IconName } from "../ui/icons";
import { InkedStream } from "../ui/inked-json";
import { JsonView } from "../ui/json-tree";
import {
  clip,
  count,
  lookUp,
  num,
  type PropsOf,
  record,
  str,
  strings,
  type Unchecked,
} from "../values";
import { Question } from "./approval";
import { Attempts, Compared } from "./attempts";
import { Blocks } from "./blocks";
import { BreakpointButton } from "./breakpoint";
import { useSession } from "./context";
import { Elapsed } from "./elapsed";
import { Failure } from "./failure";
import { useHasText } from "./has-text";
import { EventsButton } from "./inspecting";
import { Lazy, lazyValueOf } from "./lazy";
import { useOpen } from "./open";
import { PlainText, Result } from "./result";
import { argsLabel, partialArgsLabel } from "./tool-label";
import { ToolOutput } from "./tool-output";

const ICONS: Partial<Record<ToolState, [IconName, string]>> = {
  "approval-requested": ["warning", "ask"],
  "output-available": ["check", "ok"],
  "output-error": ["cross", "bad"],
  "output-denied": ["denied", "off"],
  cancelled: ["denied", "off"],
};

const SUMMARY_CHARS = 200;
/** Characters of the argument text that the row may show. */
const ARGS_HEAD_CHARS = 200;

export function ToolBlock({ block }: { block: Block<"tool"> }) {
  const props = block.props.value;
  const state = str(props.state) ?? "input-available";
  const live = isToolLive(state) && !block.closed.value;
  const failed = state === "output-error";
  const waits = state === "approval-requested" && !block.closed.value;
  const hasMore = useHasMore(block);
  const opening = useOpen(block, (live && hasMore) || failed || waits, props.open === true);
  // A tool starts to run when its arguments are complete.
  const started = props.untimed === true ? null : (num(props.args_done) ?? num(props.started));
  const ended = num(props.ended) ?? (live ? num(props.waits_since) : null);
  const note = toolNote(state, props, block.closed.value);
  const summary = str(props.summary);
  const progress: Unchecked<ToolProgress> | null = record(props.progress);
  const [icon, tone] = lookUp(ICONS, state) ?? (live ? ["spinner", "live"] : ["handoff", "off"]);
  const approvals = useSession().approvalsOf(block.id).value;
  const open = waits ? approvals.find(isOpen)?.props.value : undefined;
  // An open question shows the arguments itself.
  const asked = record(open?.args) !== null;
  const questions = (aboutResult: boolean) =>
    approvals
      .filter(({ props: { value } }) => (value.stage === "result") === aboutResult)
      .map((approval) => <Question key={approval.id} block={approval} />);
  const need = waits ? "nb-tone-ask" : "";
  const classes = `nb-tool nb-tool-${state} ${failed ? "nb-tone-bad" : need}`;

  const row = (
    <>
      <Icon name={icon} tone={tone} />
      <span class="nb-call">
        <span class="nb-tool-name">{str(props.title) ?? str(props.name) ?? LABELS.name}</span>
        <span class="nb-sr">, {toolStateLabel(state, block.closed.value)}, </span>
        <ArgsLine block={block} />
        {summary !== null && state === "output-available" && (
          <span class={`nb-summary ${isInRow(props, "result") ? "nb-told" : ""}`}>
            → {clip(summary, SUMMARY_CHARS)}
          </span>
        )}
        {live && progress && <span class="nb-summary nb-muted">{str(progress.message)}</span>}
      </span>
      <span class="nb-grow" />
      {Object.entries(CHANGED)
        .filter(([part]) => strings(props.changed).includes(part))
        .map(([part, text]) => (
          <span key={part} class="nb-badge">
            {text}
          </span>
        ))}
      {note && state !== "approval-responded" && (
        <span class={`nb-note-inline nb-${note.tone}`}>
          {open?.approval_kind === "stop" ? NOTES.stopped : note.text}
        </span>
      )}
      {started !== null && (ended !== null || live) && (
        <Elapsed started={started + (num(props.waited) ?? 0)} ended={ended} />
      )}
    </>
  );
  return (
    <Disclosure
      {...opening}
      row={row}
      class={classes}
      beside={<BreakpointButton tool={str(props.name)} />}
    >
      {() => (
        <>
          {!asked && <Arguments block={block} streaming={state === "input-streaming"} />}
          {questions(false)}
          {progress && live && <Progress progress={progress} />}
          <ToolOutput block={block} live={live} />
          <Compared block={block} />
          <ResultOrError
            props={props}
            state={state}
            whole={state === "output-available" || open?.stage === "result"}
          />
          {questions(true)}
          <Blocks list={block.children} />
          <Attempts block={block} />
          <EventsButton block={block} />
        </>
      )}
    </Disclosure>
  );
}

/** Return true while a call has something for its panel that its row does not show. */
function useHasMore(block: Block<"tool">): boolean {
  const props = block.props.value;
  const prints = useHasText(block.stream("output"));
  const writesLong = useHasText(block.stream("args_text"), LIMITS.label_line_chars);
  const asks = useSession().approvalsOf(block.id).value.length > 0;
  const shows = props.state === "input-streaming" ? writesLong : hasArguments(block);
  return (
    shows || prints || asks || record(props.progress) !== null || block.children.size.value > 0
  );
}

/** Return true if this part of the call is hidden from the reader. */
function isHidden({ hidden }: PropsOf<"tool">, part: "arguments" | "result"): boolean {
  return strings(hidden).includes(part);
}

/** Return true if the row shows this part of the call whole. */
function isInRow({ in_row: shown }: PropsOf<"tool">, part: "arguments" | "result"): boolean {
  return strings(shown).includes(part);
}

/** Return true if the panel shows the call's arguments. */
function hasArguments(block: Block<"tool">): boolean {
  const props = block.props.value;
  if (isHidden(props, "arguments") || isInRow(props, "arguments")) return false;
  const named = record(props.args);
  if (named !== null) return Object.keys(named).length > 0;
  return (props.args ?? null) !== null || block.stream("args_text").text !== "";
}

/** Arguments in the row: the streamed text, then the parsed value. */
function ArgsLine({ block }: { block: Block<"tool"> }) {
  const { args, args_valid: valid, state } = block.props.value;
  const written = state === "input-streaming" || valid === false || lazyValueOf(args) !== null;
  const partial = usePartialArgs(block, written);
  if (isHidden(block.props.value, "arguments")) return <span class="nb-args">{LABELS.hidden}</span>;
  const told = isInRow(block.props.value, "arguments") ? "nb-told" : "";
  return (
    <span class={`nb-args ${told}`}>
      {written ? partial || partialArgsLabel(str(args) ?? "") : argsLabel(args)}
    </span>
  );
}

/** Label of the first characters of the argument text; further text redraws nothing. */
function usePartialArgs(block: Block<"tool">, enabled: boolean): string {
  const [label, setLabel] = useState("");
  useEffect(() => {
    if (!enabled) return;
    let head = "";
    return block.stream("args_text").subscribe({
      append(text) {
        if (head.length >= ARGS_HEAD_CHARS) return;
        head = (head + text).slice(0, ARGS_HEAD_CHARS);
        setLabel(partialArgsLabel(head));
      },
      replace(text) {
        head = text.slice(0, ARGS_HEAD_CHARS);
        setLabel(partialArgsLabel(head));
      },
    });
  }, [block, enabled]);
  return label;
}

function Arguments({ block, streaming }: { block: Block<"tool">; streaming: boolean }) {
  const props = block.props.value;
  const hasArgs = props.args !== undefined && props.args !== null;
  if (!hasArguments(block)) return null;
  return (
    <section class="nb-section">
      <div class="nb-caption">
        {LABELS.arguments}
        {props.args_valid === false && <span class="nb-ask">{LABELS.not_json}</span>}
      </div>
      {hasArgs && (typeof props.args === "string" || props.args_valid !== false) ? (
        <Lazy value={props.args}>{(args) => <Value value={args} />}</Lazy>
      ) : (
        <pre class={`nb-pre ${streaming ? "nb-writing" : ""}`}>
          <InkedStream stream={block.stream("args_text")} />
        </pre>
      )}
    </section>
  );
}

function Value({ value }: { value: unknown }) {
  return typeof value === "string" ? <PlainText text={value} /> : <JsonView value={value} />;
}

function Progress({ progress }: { progress: Unchecked<ToolProgress> }) {
  const done = num(progress.progress);
  const total = num(progress.total);
  const message = str(progress.message);
  return (
    <section class="nb-section nb-progress">
      {message && <span>{message}</span>}
      {done !== null &&
        (total !== null ? (
          <progress value={done} max={total} aria-label={message ?? "progress"} />
        ) : (
          <span>{done}</span>
        ))}
      {done !== null && total !== null && (
        <span class="nb-time">
          {count(done)} / {count(total)}
        </span>
      )}
    </section>
  );
}

interface ResultOrErrorProps {
  props: PropsOf<"tool">;
  state: string;
  /**
   * True if the result is the call's own: of a call that has ended, or that stopped at its result.
   */
  whole: boolean;
}

function ResultOrError({ props, state, whole: isWhole }: ResultOrErrorProps) {
  // it stands next to the first one
  const isElsewhere = record(props.difference)?.kind === "picture";
  const isSaid = state === "output-available" && isInRow(props, "result");
  const result = isElsewhere || isSaid ? null : props.result;
  const soFar = record(result) !== null && !isWhole;
  return (
    <>
      {result !== undefined && result !== null && (
        <section class="nb-section">
          <div class="nb-caption">{soFar ? LABELS.partial : LABELS.result}</div>
          <Lazy value={result}>
            {(whole) => {
              const bundle = record(whole);
              return bundle === null ? <Value value={whole} /> : <Result bundle={bundle} />;
            }}
          </Lazy>
        </section>
      )}
      {record(props.error) !== null && (
        <section class="nb-section">
          <div class="nb-caption">{state === "output-denied" ? LABELS.denied : LABELS.error}</div>
          <Lazy value={props.error}>
            {(error) => {
              const { type, message, traceback, frames }: Unchecked<ToolError> =
                record(error) ?? {};
              return (
                <Failure type={str(type)} message={message} traceback={traceback} frames={frames} />
              );
            }}
          </Lazy>
        </section>
      )}
    </>
  );
}
