/**
 * Labels, figures and colours for the states of a run and its blocks. The labels are those of
 * nbagent/render (labels.py, durations.py, figures.py).
 */

import {
  approval as APPROVAL,
  approved as APPROVED,
  decision as DECISIONS,
  error as ERROR,
  figure as FIGURES,
  gone_on as GONE_ON,
  lanes as LANES,
  limit as LIMIT,
  tool_note as NOTES,
  prompt as PROMPTS,
  run as RUN,
  stage as STAGE,
  stop as STOP,
  thought as THOUGHT,
  tool_state as TOOL_STATES,
} from "../../nbagent/protocol/labels.json";
import type { ToolError, Usage } from "./protocol";
import { fill, LIMITS } from "./shared";
import { duration, fixed, rounded } from "./ui/duration";
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
} from "./values";

export type Tone = "live" | "ok" | "bad" | "ask" | "off";

export const isLive = (status: string) => status === "running" || status === "stopping";

export interface RunLabel {
  tone: Tone;
  /** The text beside the name in the header; null while the ticking time is enough. */
  text: string | null;
}

/** The header's label for a run that took `elapsed` seconds so far. */
export function runLabel(
  props: PropsOf<"run">,
  elapsed: number | null,
  awaiting: boolean,
): RunLabel {
  const status = str(props.status) ?? "running";
  const took = elapsed === null || props.untimed === true ? null : duration(elapsed);
  switch (status) {
    case "running":
      return awaiting ? { tone: "ask", text: RUN.paused } : { tone: "live", text: null };
    case "stopping":
      return { tone: "live", text: RUN.stopping };
    case "completed":
      if (isReady(props)) return { tone: "off", text: RUN.ready };
      return { tone: "ok", text: took ? fill(RUN.completed_in, took) : RUN.completed };
    case "failed":
      return { tone: "bad", text: took ? fill(RUN.failed_after, took) : RUN.failed };
    default:
      return { tone: endTone(status), text: endLabel(props) };
  }
}

/** Return true for a chat that has given no answer yet, but for those that it goes on from. */
const isReady = ({ turns, untimed }: PropsOf<"run">) =>
  turns === 0 || (untimed === true && num(turns) !== null);

/** Block that tells how a run, a lane or an answer of a chat ended. */
type End = PropsOf<"run"> | PropsOf<"agent"> | PropsOf<"status">;

/** The colour of an end. */
export function endTone(status: string): Tone {
  if (status === "completed") return "ok";
  if (status === "failed") return "bad";
  return ["incomplete", "paused", "max_steps"].includes(status) ? "ask" : "off";
}

/**
 * Label of the end of a run, a lane or an answer, in the words that are used everywhere: `Done`,
 * `Cut off at max_tokens`.
 */
export function endLabel(props: End): string {
  const status = str(props.status) ?? "";
  switch (status) {
    case "cancelled": {
      const by = str(props.stopped_by);
      return by ? fill(RUN.cancelled, by) : RUN.cancelled_by_service;
    }
    case "incomplete":
      return incomplete(props);
    case "completed":
    case "failed":
    case "paused":
    case "max_steps":
      return RUN[status];
    default:
      return status;
  }
}

function incomplete(props: End): string {
  const reason = str(props.code) ?? str(props.finish_reason);
  if (reason === null) return RUN.incomplete;
  const label = lookUp(LIMIT, reason.toLowerCase().replaceAll("-", "_"));
  if (label === undefined) return fill(RUN.incomplete_because, reason.replaceAll("_", " "));
  const tokens = num(props.last_output);
  if (label !== LIMIT.length || !tokens) return label;
  return tokens === 1 ? RUN.cut_at_one : fill(RUN.cut_at, count(tokens));
}

/**
 * Count of the lanes that are over, and of those that are not done by their end: `6 / 20, 1 cut
 * off, 1 failed`; empty for one stream.
 */
export function lanesLabel(run: PropsOf<"run">, statusesOfOver: readonly string[]): string {
  const all = num(run.lanes);
  if (all === null) return "";
  const list = [`${count(statusesOfOver.length)} / ${count(all)}`];
  const others = statusesOfOver.filter((status) => status !== "completed");
  const ends = others.map((status) => (Object.hasOwn(LANES, status) ? status : "incomplete"));
  for (const [end, label] of Object.entries(LANES)) {
    const number = ends.filter((each) => each === end).length;
    if (number > 0) list.push(fill(label, count(number)));
  }
  return list.join(", ");
}

/** `1 tool call failed`; empty if none did, or where that may be of an earlier answer of a chat. */
export function failedCallsLabel({ tools_failed: failed, turns }: PropsOf<"run">): string {
  const number = num(failed) ?? 0;
  if (number === 0 || (num(turns) ?? 0) > 1) return "";
  return number === 1 ? RUN.tool_failed : fill(RUN.tools_failed, count(number));
}

/**
 * Kinds of blocks after which the model is to write; after a text it has written, and the run may
 * be about to end.
 */
const BEFORE_TOKENS = ["prompt", "tool", "agent", "reasoning"];

/** `Waiting for gpt-5-mini…` if nothing in a list of blocks shows that the model is at work. */
export function waitingLabel(
  owner: PropsOf<"run"> | PropsOf<"agent">,
  last: string | null,
  allClosed: boolean,
): string {
  const { lanes, model, name }: PropsOf<"run"> = owner;
  const hasLanes = num(lanes) !== null; // each of which waits by itself
  if (!allClosed || (last !== null && (hasLanes || !BEFORE_TOKENS.includes(last)))) return "";
  return fill(RUN.waiting, str(model) ?? str(name) ?? RUN.name);
}

/** The note at the right of a tool's row; null where its icon and time are enough. */
export function toolNote(
  state: string,
  { error }: PropsOf<"tool">,
  closed = false,
): { tone: Tone; text: string } | null {
  switch (state) {
    case "input-available":
      // The model asked, and the stream ended: who called the model runs the tool.
      return closed ? { tone: "off", text: NOTES[state] } : null;
    case "approval-requested":
      return { tone: "ask", text: NOTES[state] };
    case "approval-responded":
      return { tone: "live", text: NOTES[state] };
    case "output-error":
      return { tone: "bad", text: toolErrorType(error) ?? NOTES[state] };
    case "output-denied":
    case "cancelled":
      return { tone: "off", text: NOTES[state] };
    default:
      return null;
  }
}

function toolErrorType(error: unknown): string | null {
  const { type }: Unchecked<ToolError> = record(error) ?? {};
  return str(type);
}

/**
 * Label of a tool's state, for a screen reader. A closed call that was only announced does not run
 * here.
 */
export function toolStateLabel(state: string, closed: boolean): string {
  if (closed && state === "input-available") return NOTES[state].toLowerCase();
  return lookUp(TOOL_STATES, state) ?? state;
}

export const isToolLive = (state: string) =>
  state === "input-streaming" || state === "input-available" || state === "approval-responded";

/**
 * The heading of a finished thought: `Thought for 5s`; of a brief one its title, `Thought: A sum`.
 */
export function thoughtLabel(props: PropsOf<"reasoning">): string {
  const took = elapsed(props);
  const title = thoughtTitle(props);
  if (took !== null && 1000 * took < LIMITS.brief_thought_ms && title)
    return fill(THOUGHT.titled, clip(title, LIMITS.thought_title_chars));
  return took === null ? THOUGHT.closed : fill(THOUGHT.timed, rounded(took));
}

/** The first line of a thought, without the marks of a heading: `**A sum**` is `A sum`. */
function thoughtTitle({ text }: PropsOf<"reasoning">): string {
  const line = (str(text) ?? "").trim().split("\n", 1)[0] ?? "";
  return line
    .replace(/^#{1,6} +/, "")
    .replace(/(\*{1,3}|`+)(\S.*?)\1/g, "$2")
    .trim();
}

/** Return true if the heading of a thought says all of it: one line, without links or formulas. */
export function isTitleOnly(props: PropsOf<"reasoning">): boolean {
  const isPlain = !/[\n[$<]/.test((str(props.text) ?? "").trim());
  return isPlain && thoughtLabel(props).endsWith(`: ${thoughtTitle(props)}`);
}

/** The question that an approval asks. */
export function promptLabel(props: PropsOf<"approval">): string {
  if (props.approval_kind === "stop") return stopLabel(props);
  return str(props.prompt) ?? lookUp(PROMPTS, str(props.approval_kind) ?? "tool") ?? PROMPTS.other;
}

/** Why a run stopped at a breakpoint, in words. */
function stopLabel({ prompt, stage }: PropsOf<"approval">): string {
  const reason = str(prompt);
  if (stage === "request") return fill(STAGE.request, reason ?? STAGE.model);
  if (reason === null || reason === "step") return STAGE[stage === "result" ? "result" : "call"];
  return lookUp(STOP, reason) ?? fill(STAGE.other, reason);
}

/** Return true if a question's answer lets the run go on. */
export function isPermitted({ decision }: PropsOf<"approval">): boolean {
  return str(decision) !== null && decision !== "deny" && decision !== "cancel";
}

/** Label of the decision, `Approved, and all further calls`; null if there is none. */
export function decisionLabel({
  decision,
  approval_kind: kind,
  stage,
  remember,
}: PropsOf<"approval">): string | null {
  const name = str(decision);
  if (name !== "approve") return name && (lookUp(DECISIONS, name) ?? name);
  const labels = kind === "stop" ? GONE_ON : APPROVED;
  const label =
    lookUp<string>(labels, str(kind === "stop" ? stage : kind) ?? "tool") ?? DECISIONS.approve;
  return remember === true ? fill(APPROVAL.remember, label) : label;
}

/** `traceback (3 frames)`. */
export function tracebackLabel(traceback: string): string {
  const frames = traceback.split("\n").filter((line) => /^\s*File "/.test(line)).length;
  return frames ? fill(frames === 1 ? ERROR.frame : ERROR.frames, String(frames)) : ERROR.traceback;
}

/** The footer's parts: `1,284 in`, `300 out`, `2 tools, 1 failed`, … */
export function figures(run: PropsOf<"run">): string[] {
  const usage: Unchecked<Usage> = record(run.usage) ?? {};
  const [input, output, reasoning, cost] = [
    num(usage.input),
    num(usage.output),
    num(usage.reasoning),
    num(usage.cost),
  ];
  const total = num(usage.total);
  const used = num(run.tools) ?? 0;
  const failed = num(run.tools_failed) ?? 0;
  const answers = num(run.turns) ?? 0;
  const list: string[] = [];
  if (answers > 1) list.push(fill(FIGURES.answers, count(answers)));
  if (input !== null) list.push(fill(FIGURES.input, count(input)));
  if (output !== null)
    list.push(
      fill(FIGURES.output, count(output)) +
        (reasoning ? fill(FIGURES.reasoning, count(reasoning)) : ""),
    );
  if (input === null && output === null && total !== null)
    list.push(fill(FIGURES.total, count(total)));
  if (used > 0)
    list.push(
      fill(used === 1 ? FIGURES.tool : FIGURES.tools, count(used)) +
        (failed > 0 ? fill(FIGURES.failed, count(failed)) : ""),
    );
  if (cost !== null) list.push(fill(FIGURES.cost, fixed(cost, cost < 0.01 ? 4 : 2)));
  const [first, ...times] = pace(run);
  if (first !== undefined)
    list.push(answers > 1 ? fill(FIGURES.last_answer, first) : first, ...times);
  const hidden = hiddenNote(run);
  if (hidden) list.push(hidden);
  return list;
}

/** The times of a run; of a chat, those of its last answer. */
export function pace({
  untimed,
  first_token,
  speed: tokens,
  waited: seconds,
}: PropsOf<"run">): string[] {
  if (untimed === true) return [];
  const [first, speed, waited] = [num(first_token), num(tokens), num(seconds)];
  const list: string[] = [];
  if (first !== null) list.push(fill(FIGURES.first_token, duration(first)));
  if (speed !== null && speed >= 1) list.push(fill(FIGURES.speed, count(Math.round(speed))));
  if (waited !== null && 1000 * waited >= LIMITS.shown_wait_ms)
    list.push(fill(FIGURES.waited, duration(waited)));
  return list;
}

/** Seconds from the start of a run or a thought to its end; null if one of them is unknown. */
export function elapsed({ started, ended }: PropsOf<"run"> | PropsOf<"reasoning">): number | null {
  const [from, to] = [num(started), num(ended)];
  return from === null || to === null ? null : Math.max(0, to - from);
}

/** `thinking and tools hidden`; empty if nothing is kept from the reader. */
function hiddenNote({ hidden }: PropsOf<"run">): string {
  const kinds = strings(hidden);
  return kinds.length
    ? fill(FIGURES.hidden, [...kinds.slice(0, -2), kinds.slice(-2).join(" and ")].join(", "))
    : "";
}
