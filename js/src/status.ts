/** Labels, figures and colours for the states of a run and its blocks. The labels are those of nbagent/render/labels.py. */

import {
  approval as APPROVAL,
  approved as APPROVED,
  decision as DECISIONS,
  error as ERROR,
  figure as FIGURES,
  gone_on as GONE_ON,
  tool_note as NOTES,
  prompt as PROMPTS,
  run as RUN,
  stage as STAGE,
  stop as STOP,
  thought as THOUGHT,
  tool_state as TOOL_STATES,
} from "../../nbagent/protocol/labels.json";
import type { ToolError, Usage } from "./protocol";
import { fill } from "./shared";
import { duration, fixed, rounded } from "./ui/duration";
import { count, lookUp, num, type PropsOf, record, str, strings, type Unchecked } from "./values";

export type Tone = "live" | "ok" | "bad" | "ask" | "off";

export const isLive = (status: string) => status === "running" || status === "stopping";

export interface RunLabel {
  tone: Tone;
  /** The text beside the name in the header; null while the ticking time is enough. */
  text: string | null;
}

/** The header's label for a run that took `elapsed` seconds so far. */
export function runLabel(props: PropsOf<"run">, elapsed: number | null, awaiting: boolean): RunLabel {
  const status = str(props.status) ?? "running";
  const took = elapsed === null ? null : duration(elapsed);
  switch (status) {
    case "running":
      return awaiting ? { tone: "ask", text: RUN.paused } : { tone: "live", text: null };
    case "stopping":
      return { tone: "live", text: RUN.stopping };
    case "completed":
      if (props.turns === 0) return { tone: "off", text: RUN.ready };
      return { tone: "ok", text: took ? fill(RUN.completed_in, took) : RUN.completed };
    case "cancelled": {
      const by = str(props.stopped_by);
      return { tone: "off", text: by ? fill(RUN.cancelled, by) : RUN.cancelled_by_service };
    }
    case "failed":
      return { tone: "bad", text: took ? fill(RUN.failed_after, took) : RUN.failed };
    case "incomplete":
      return { tone: "ask", text: incomplete(props) };
    case "paused":
    case "max_steps":
      return { tone: "ask", text: RUN[status] };
    default:
      return { tone: "off", text: status };
  }
}

function incomplete(props: PropsOf<"run">): string {
  if (props.code === "stream_truncated") return RUN.truncated;
  const reason = str(props.code) ?? str(props.finish_reason);
  return reason ? fill(RUN.incomplete_because, reason.replaceAll("_", " ")) : RUN.incomplete;
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

/** Label of a tool's state, for a screen reader. A closed call that was only announced does not run here. */
export function toolStateLabel(state: string, closed: boolean): string {
  if (closed && state === "input-available") return NOTES[state].toLowerCase();
  return lookUp(TOOL_STATES, state) ?? state;
}

export const isToolLive = (state: string) =>
  state === "input-streaming" || state === "input-available" || state === "approval-responded";

/** The heading of a finished thought: `Thought for 5s`. */
export function thoughtLabel(props: PropsOf<"reasoning">): string {
  const took = elapsed(props);
  return took === null ? THOUGHT.closed : fill(THOUGHT.timed, rounded(took));
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
export function decisionLabel({ decision, approval_kind: kind, stage, remember }: PropsOf<"approval">): string | null {
  const name = str(decision);
  if (name !== "approve") return name && (lookUp(DECISIONS, name) ?? name);
  const labels = kind === "stop" ? GONE_ON : APPROVED;
  const label = lookUp<string>(labels, str(kind === "stop" ? stage : kind) ?? "tool") ?? DECISIONS.approve;
  return remember === true ? fill(APPROVAL.remember, label) : label;
}

/** `traceback (3 frames)`. */
export function tracebackLabel(traceback: string): string {
  const frames = traceback.split("\n").filter((line) => /^\s*File "/.test(line)).length;
  return frames ? fill(frames === 1 ? ERROR.frame : ERROR.frames, String(frames)) : ERROR.traceback;
}

/** The footer's parts: `1,284 in`, `300 out`, `2 tools, 1 failed`, … `tools` are the props of the run's tool calls. */
export function figures(run: PropsOf<"run">, tools: readonly PropsOf<"tool">[]): string[] {
  const usage: Unchecked<Usage> = record(run.usage) ?? {};
  const [input, output, reasoning, cost] = [num(usage.input), num(usage.output), num(usage.reasoning), num(usage.cost)];
  const total = num(usage.total);
  const used = num(run.tools) ?? 0;
  const failed = num(run.tools_failed) ?? 0;
  const first = num(run.first_token);
  const speed = tokensPerSecond(run, output, tools);
  const list: string[] = [];
  if (input !== null) list.push(fill(FIGURES.input, count(input)));
  if (output !== null)
    list.push(fill(FIGURES.output, count(output)) + (reasoning ? fill(FIGURES.reasoning, count(reasoning)) : ""));
  if (input === null && output === null && total !== null) list.push(fill(FIGURES.total, count(total)));
  if (used > 0)
    list.push(
      fill(used === 1 ? FIGURES.tool : FIGURES.tools, count(used)) +
        (failed > 0 ? fill(FIGURES.failed, count(failed)) : ""),
    );
  if (first !== null) list.push(fill(FIGURES.first_token, duration(first)));
  if (speed !== null && speed >= 1) list.push(fill(FIGURES.speed, count(Math.round(speed))));
  if (cost !== null) list.push(fill(FIGURES.cost, fixed(cost, cost < 0.01 ? 4 : 2)));
  const hidden = hiddenNote(run);
  if (hidden) list.push(hidden);
  return list;
}

/** Output tokens per second of a finished run, the time in its tools and before its first token left out. */
function tokensPerSecond(run: PropsOf<"run">, output: number | null, tools: readonly PropsOf<"tool">[]): number | null {
  const took = elapsed(run);
  if (output === null || took === null) return null;
  const writing = took - (num(run.first_token) ?? 0) - toolSeconds(tools);
  return writing > 0.2 ? output / writing : null;
}

/** Seconds during which at least one tool ran. */
function toolSeconds(tools: readonly PropsOf<"tool">[]): number {
  const spans: [number, number][] = [];
  for (const tool of tools) {
    const [from, to] = [num(tool.args_done) ?? num(tool.started), num(tool.ended)];
    if (from !== null && to !== null) spans.push([from, to]);
  }
  spans.sort((left, right) => left[0] - right[0]);
  let total = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const [from, to] of spans) {
    total += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return total;
}

/** Seconds from the start of a run or a thought to its end; null if one of them is unknown. */
export function elapsed({ started, ended }: PropsOf<"run"> | PropsOf<"reasoning">): number | null {
  const [from, to] = [num(started), num(ended)];
  return from === null || to === null ? null : Math.max(0, to - from);
}

/** `thinking and tools hidden`; empty if nothing is kept from the reader. */
function hiddenNote({ hidden }: PropsOf<"run">): string {
  const kinds = strings(hidden);
  return kinds.length ? fill(FIGURES.hidden, [...kinds.slice(0, -2), kinds.slice(-2).join(" and ")].join(", ")) : "";
}
