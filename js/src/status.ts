/** The words and colours of a run's and a tool's states. */

import { duration } from "./ui/duration";
import { num, type Props, str } from "./values";

export type Tone = "live" | "ok" | "bad" | "ask" | "off";

export const isLive = (status: string) => status === "running" || status === "stopping";

export interface RunLabel {
  tone: Tone;
  /** What the header says beside the name, or null where the ticking time says it all. */
  text: string | null;
}

/** How the header describes a run that took `elapsed` seconds so far. */
export function runLabel(props: Props, elapsed: number | null, awaiting: boolean): RunLabel {
  const status = str(props.status) ?? "running";
  const took = elapsed === null ? "" : ` ${duration(elapsed)}`;
  switch (status) {
    case "running":
      return awaiting ? { tone: "ask", text: "waits for you" } : { tone: "live", text: null };
    case "stopping":
      return { tone: "live", text: "Stopping…" };
    case "completed":
      return { tone: "ok", text: took ? `Done in${took}` : "Done" };
    case "cancelled":
      return { tone: "off", text: `Stopped by ${str(props.stopped_by) ?? "you"}` };
    case "failed":
      return { tone: "bad", text: took ? `Failed after${took}` : "Failed" };
    case "incomplete":
      return { tone: "ask", text: incomplete(props) };
    case "paused":
      return { tone: "ask", text: "waits for you" };
    case "max_steps":
      return { tone: "ask", text: "Stopped at the step limit" };
    default:
      return { tone: "off", text: status };
  }
}

function incomplete(props: Props): string {
  if (props.code === "stream_truncated") return "Cut off: the stream ended early";
  const why = str(props.code) ?? str(props.finish_reason);
  return why ? `Incomplete: ${why.replaceAll("_", " ")}` : "Incomplete";
}

/** What a tool's row says on its right, or null where its icon and time say it all. */
export function toolNote(state: string, props: Props, closed = false): { tone: Tone; text: string } | null {
  switch (state) {
    case "input-available":
      // The model asked, and the stream ended: who called the model runs the tool.
      return closed ? { tone: "off", text: "Requested" } : null;
    case "approval-requested":
      return { tone: "ask", text: "Awaiting approval" };
    case "approval-responded":
      return { tone: "live", text: "Answered" };
    case "output-error": {
      const error = props.error as Props | undefined;
      return { tone: "bad", text: str(error?.type) ?? "Error" };
    }
    case "output-denied":
      return { tone: "off", text: "Denied" };
    case "cancelled":
      return { tone: "off", text: "Cancelled" };
    default:
      return null;
  }
}

/** A state for those who listen instead of look. */
export function toolStateWord(state: string): string {
  const words: Record<string, string> = {
    "input-streaming": "writing arguments",
    "input-available": "running",
    "approval-requested": "awaiting approval",
    "approval-responded": "answered",
    "output-available": "finished",
    "output-error": "failed",
    "output-denied": "denied",
    cancelled: "cancelled",
  };
  return words[state] ?? state;
}

export const isToolLive = (state: string) =>
  state === "input-streaming" || state === "input-available" || state === "approval-responded";

/** `1,284 in`, … : the footer's figures. `speed` is in output tokens per second. */
export function figures(props: Props, speed: number | null): string[] {
  const usage = (props.usage ?? {}) as Props;
  const [input, output, reasoning, cost] = [num(usage.input), num(usage.output), num(usage.reasoning), num(usage.cost)];
  const tools = num(props.tools) ?? 0;
  const failed = num(props.tools_failed) ?? 0;
  const first = num(props.first_token);
  const list: string[] = [];
  if (input !== null) list.push(`${count(input)} in`);
  if (output !== null) list.push(`${count(output)} out${reasoning ? ` (${count(reasoning)} thinking)` : ""}`);
  if (tools > 0)
    list.push(`${count(tools)} ${tools === 1 ? "tool" : "tools"}${failed > 0 ? `, ${count(failed)} failed` : ""}`);
  if (first !== null) list.push(`first token ${duration(first)}`);
  if (speed !== null && speed >= 1) list.push(`${count(Math.round(speed))} tok/s`);
  if (cost !== null) list.push(`$${cost < 0.01 ? cost.toFixed(4) : cost.toFixed(2)}`);
  const hidden = hiddenNote(props);
  if (hidden) list.push(hidden);
  return list;
}

/** `thinking and tools hidden`; empty if nothing is kept from the reader. */
function hiddenNote(props: Props): string {
  const kinds = Array.isArray(props.hidden) ? props.hidden.filter((kind) => typeof kind === "string") : [];
  return kinds.length ? `${[...kinds.slice(0, -2), kinds.slice(-2).join(" and ")].join(", ")} hidden` : "";
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}
