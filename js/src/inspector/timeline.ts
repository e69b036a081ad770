/**
 * Timeline of a run: reads the kernel's answer and places the bars on the axis. See
 * nbagent/protocol/inspection.py.
 */

import type { Carried, TimelineAnswer, Usage, Bar as WireBar } from "../protocol";
import { duration } from "../ui/duration";
import { count, num, record, str, type Unchecked } from "../values";

export interface Bar {
  kind: string;
  label: string;
  start: number;
  /** Null if it has not ended. */
  end: number | null;
  /** Of a tool call: when it began to run. */
  ready: number | null;
  /** Of a step: when its first token came. */
  first: number | null;
  /** Seconds of it for which it waited for the reader. */
  waited: number;
  status: string | null;
  usage: Unchecked<Usage>;
  /** Of a tool call: what its result costs in later requests. */
  carried: Unchecked<Carried> | null;
  block: string | null;
}

export interface Timeline {
  start: number;
  end: number;
  firstToken: number | null;
  gaps: [from: number, to: number][];
  gapCount: number;
  gapSeconds: number;
  leftOut: number;
  steps: number;
  /** True if the steps are requests, which come between bars that are known. */
  byRequests: boolean;
  /** Number of the first bar in `bars`, from 0. */
  at: number;
  bars: Bar[];
  /** Number of bars in all. */
  total: number;
  /** Number of events in the timeline, of `count` in all. */
  seen: number;
  count: number;
}

export function readTimeline(text: string): Timeline {
  const answer: Unchecked<TimelineAnswer> = record(JSON.parse(text)) ?? {};
  const bars = Array.isArray(answer.bars) ? answer.bars : [];
  const gaps = Array.isArray(answer.gaps) ? answer.gaps : [];
  const total = num(answer.total) ?? bars.length;
  return {
    start: num(answer.start) ?? 0,
    end: num(answer.end) ?? 0,
    firstToken: num(answer.first_token),
    gaps: gaps.filter(Array.isArray).map(([from, to]) => [num(from) ?? 0, num(to) ?? 0]),
    gapCount: num(answer.gap_count) ?? 0,
    gapSeconds: num(answer.gap_seconds) ?? 0,
    leftOut: num(answer.left_out) ?? 0,
    steps: num(answer.steps) ?? 0,
    byRequests: answer.by_requests === true,
    at: (num(answer.to) ?? total) - bars.length,
    bars: bars.map(readBar).reverse(),
    total,
    seen: num(answer.seen) ?? 0,
    count: num(answer.count) ?? 0,
  };
}

/** Return the newer of two answers with the bars of the older one that stand before its own. */
export function joined(before: Timeline | null, newer: Timeline): Timeline {
  if (before === null || before.byRequests !== newer.byRequests) return newer;
  const known = before.bars.slice(0, Math.max(0, newer.at - before.at));
  const isBeside = before.at + known.length === newer.at;
  return isBeside ? { ...newer, at: before.at, bars: [...known, ...newer.bars] } : newer;
}

/** Return the newer bars behind those of an answer to a question about older ones. */
export function withOlder(newer: Timeline, older: Timeline): Timeline {
  return { ...newer, at: older.at, bars: [...older.bars, ...newer.bars] };
}

/** Return the number of the first bar that may have changed. */
export function firstOpen({ bars, at }: Timeline): number {
  const open = bars.findIndex(({ end }) => end === null);
  return open < 0 ? at + bars.length : at + open;
}

function readBar(raw: unknown): Bar {
  const bar: Unchecked<WireBar> = record(raw) ?? {};
  return {
    kind: str(bar.kind) ?? "",
    label: str(bar.label) ?? "",
    start: num(bar.start) ?? 0,
    end: num(bar.end),
    ready: num(bar.ready),
    first: num(bar.first),
    waited: num(bar.waited) ?? 0,
    status: str(bar.status),
    usage: record(bar.usage) ?? {},
    carried: record(bar.carried),
    block: str(bar.block),
  };
}

/** The share of the axis that a period takes, in per cent: offset and length. */
export function axisShare(
  from: number,
  to: number,
  { start, end }: Pick<Timeline, "start" | "end">,
): [number, number] {
  const whole = Math.max(end - start, 0.001);
  const left = Math.max(0, Math.min(1, (from - start) / whole));
  const right = Math.max(left, Math.min(1, (to - start) / whole));
  return [100 * left, 100 * (right - left)];
}

/** Round times for the axis: from 0 to at most `seconds`, in five steps at most. */
export function ticks(seconds: number): number[] {
  const least = Math.max(seconds / 5, 0.001);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= least) ?? least;
  return Array.from({ length: Math.floor(seconds / step + 1e-9) + 1 }, (_, i) => i * step);
}

/** Figures of a step: `1,284 in`, `96 out`, `$0.0021`. */
export function stepFigures({ usage, first, start }: Bar): string[] {
  const [input, output, cost] = [num(usage.input), num(usage.output), num(usage.cost)];
  const list: string[] = [];
  if (first !== null) list.push(`first token ${duration(Math.max(0, first - start))}`);
  if (input !== null) list.push(`${count(input)} in`);
  if (output !== null) list.push(`${count(output)} out`);
  if (cost !== null) list.push(dollars(cost));
  return list;
}

const dollars = (cost: number) => `$${cost < 0.01 ? cost.toFixed(4) : cost.toFixed(2)}`;

/** Cost of a call's result in later requests: `≈360 tokens in 3 requests · $0.0004`. */
export function carriedLabel({ carried }: Bar): string {
  const [tokens, requests] = [num(carried?.tokens), num(carried?.requests)];
  if (tokens === null || requests === null) return "";
  const cost = num(carried?.cost);
  const where = requests === 1 ? "1 request" : `${count(requests)} requests`;
  const spent = `≈${count(tokens)} tokens in ${where}`;
  return cost === null ? spent : `${spent} · ${dollars(cost)}`;
}
