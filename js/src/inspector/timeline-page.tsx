/**
 * Timeline page of the inspector: steps, thoughts, tools and texts as bars, and the gaps in which
 * nothing came.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../session";
import { elapsed, pace } from "../status";
import type { Subject } from "../transcript/inspecting";
import { duration } from "../ui/duration";
import { count, num, type PropsOf } from "../values";
import type { Past } from "./past/past";
import { useRowsInView } from "./rows-in-view";
import {
  axisShare,
  type Bar,
  carriedLabel,
  firstOpen,
  joined,
  readTimeline,
  stepFigures,
  type Timeline,
  ticks,
  withOlder,
} from "./timeline";

/** Height of `.nb-bar-row` in timeline.css. */
const ROW_PX = 24;

/** Share of the axis, in per cent, from which a gap has room for a label. */
const MIN_LABELLED_PERCENT = 16;

interface TimelinePageProps {
  session: Session;
  /** Bars after the event that it shows are dimmed. */
  past: Past;
  /** Called when the reader asks for the events of a bar's block. */
  onBlock: (block: Subject) => void;
}

export function TimelinePage({ session, past, onBlock }: TimelinePageProps) {
  const { timeline, problem } = useTimeline(session);
  return (
    <div class="nb-inspector nb-timeline">
      {problem !== null && <p class="nb-note nb-bad">Could not load this: {problem}.</p>}
      {timeline && <p class="nb-timeline-summary">{summary(timeline, session.runProps)}</p>}
      {timeline && <Chart timeline={timeline} past={past} onBlock={onBlock} />}
    </div>
  );
}

/** The timeline; it is read again when the run has more events. */
function useTimeline(session: Session): { timeline: Timeline | null; problem: string | null } {
  const [timeline, setTimeline] = useState<Timeline | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const known = useRef<Timeline | null>(null);
  const events = num(session.runProps.events) ?? 0;
  useEffect(() => {
    let cancelled = false;
    const ask = async () => {
      for (let seen = -1; ; ) {
        const answer = await readWhole(session, known.current, (read) => {
          if (!cancelled) setTimeline(read);
          return cancelled;
        });
        if (answer === null) return;
        known.current = answer;
        setProblem(null);
        if (answer.seen >= answer.count || answer.seen === seen) return;
        seen = answer.seen;
      }
    };
    ask().catch((error: Error) => cancelled || setProblem(error.message));
    return () => {
      cancelled = true;
    };
  }, [session, events]);
  return { timeline, problem };
}

/**
 * Return all bars: the kernel's, the newest first, an answer after the other, down to those that
 * are known and over. `onRead` returns true to stop.
 */
async function readWhole(
  session: Session,
  known: Timeline | null,
  onRead: (read: Timeline) => boolean,
): Promise<Timeline | null> {
  const page = async (name: string) =>
    readTimeline((await session.channel.lazyValues.page(name)).text);
  const wanted = known === null ? 0 : firstOpen(known);
  let read = await page("timeline");
  const isOther = read.byRequests !== known?.byRequests;
  const until = Math.max(read.leftOut, isOther ? 0 : wanted);
  for (;;) {
    if (onRead(joined(known, read))) return null;
    if (read.at <= until) return joined(known, read);
    const older = await page(`timeline/${read.at}`);
    if (older.bars.length === 0) return joined(known, read);
    read = withOlder(read, older);
  }
}

interface ChartProps {
  timeline: Timeline;
  past: Past;
  onBlock: (block: Subject) => void;
}

function Chart({ timeline, past, onBlock }: ChartProps) {
  const rows = useRef<HTMLUListElement>(null);
  const { start, end, firstToken, gaps, leftOut, total } = timeline;
  const span = end - start;
  const { from, to } = useRowsInView(rows, ROW_PX, total - leftOut);
  const position = past.position.value;
  const moment = position === null ? null : past.time(position);
  return (
    <>
      {leftOut > 0 && <p class="nb-note">The first {count(leftOut)} bars are no longer kept.</p>}
      <div class="nb-chart">
        <div class="nb-chart-back" aria-hidden="true">
          {ticks(span).map((at) => (
            <span
              key={at}
              class="nb-tick"
              style={{ left: `${axisShare(start + at, end, timeline)[0]}%` }}
            >
              {at === 0 ? "0" : `${Number(at.toPrecision(3))}s`}
            </span>
          ))}
          {gaps.map(([from, to]) => (
            <span
              key={from}
              class="nb-gap"
              style={barStyle(from, to, timeline)}
              title={`nothing came for ${duration(to - from)}`}
            >
              {axisShare(from, to, timeline)[1] > MIN_LABELLED_PERCENT &&
                `nothing for ${duration(to - from)}`}
            </span>
          ))}
          {firstToken !== null && (
            <span
              class="nb-first"
              style={{ left: `${axisShare(firstToken, end, timeline)[0]}%` }}
              title="first token"
            />
          )}
        </div>
        <ul ref={rows} style={{ height: `${(total - leftOut) * ROW_PX}px` }}>
          {timeline.bars.slice(...drawn(timeline, from, to)).map((bar, i) => {
            const index = Math.max(from, timeline.at - leftOut) + i;
            return (
              <li
                key={index}
                class={moment !== null && bar.start > moment ? "nb-later" : undefined}
                aria-setsize={total - leftOut}
                aria-posinset={index + 1}
                style={{ top: `${index * ROW_PX}px` }}
              >
                <BarRow bar={bar} timeline={timeline} onBlock={onBlock} />
              </li>
            );
          })}
        </ul>
        {moment !== null && (
          <div class="nb-chart-back nb-chart-front" aria-hidden="true">
            <span class="nb-moment" style={{ left: `${axisShare(moment, end, timeline)[0]}%` }} />
          </div>
        )}
      </div>
    </>
  );
}

/** The place in `bars` of those in the rows of a range; older ones may not have come yet. */
function drawn({ at, leftOut }: Timeline, from: number, to: number): [from: number, to: number] {
  const first = at - leftOut;
  return [Math.max(0, from - first), Math.max(0, to - first)];
}

function BarRow({
  bar,
  timeline,
  onBlock,
}: {
  bar: Bar;
  timeline: Timeline;
  onBlock: (block: Subject) => void;
}) {
  const { kind, label, start, block } = bar;
  const end = bar.end ?? timeline.end;
  const ran = bar.ready ?? start;
  const isUsual = !bar.status || bar.status === "ok" || bar.status === "completed";
  const statusText = isUsual ? "" : `${bar.status}, `;
  const [from, to] = [start, end].map((at) => duration(at - timeline.start));
  const row = (
    <>
      <span class="nb-bar-label">{label}</span>
      <span class="nb-track">
        {kind === "step" && (
          <Figures text={stepFigures(bar).join(" · ")} at={start} timeline={timeline} />
        )}
        {kind === "tool" && <Figures text={carriedLabel(bar)} at={end} timeline={timeline} />}
        {ran > start && (
          <span
            class={`nb-bar nb-bar-${kind} nb-bar-written`}
            style={barStyle(start, ran, timeline)}
          />
        )}
        <span
          class={`nb-bar nb-bar-${kind} ${failed(bar) ? "nb-bar-failed" : ""}`}
          style={barStyle(ran, end, timeline)}
        />
      </span>
      <span class="nb-sr">{`${statusText}from ${from} to ${to}, `}</span>
      <span class="nb-time">
        {bar.end === null ? "…" : duration(Math.max(0, end - ran - bar.waited))}
      </span>
    </>
  );
  if (block === null) return <div class={`nb-bar-row nb-bar-row-${kind}`}>{row}</div>;
  return (
    <button
      type="button"
      class={`nb-bar-row nb-bar-row-${kind}`}
      title="Its events"
      onClick={() => onBlock({ id: block, kind, label })}
    >
      {row}
    </button>
  );
}

interface FiguresProps {
  text: string;
  at: number;
  timeline: Timeline;
}

/** Figures behind a moment, or before it as far as there is no room. */
function Figures({ text, at, timeline }: FiguresProps) {
  if (text === "") return null;
  const [share] = axisShare(at, at, timeline);
  return (
    <span class="nb-figures">
      <span style={{ flexBasis: `${share}%` }} />
      <span class="nb-figures-text">{text}</span>
    </span>
  );
}

function barStyle(from: number, to: number, timeline: Timeline): { left: string; width: string } {
  const [left, width] = axisShare(from, to, timeline);
  return { left: `${left}%`, width: `${width}%` };
}

function failed({ status }: Bar): boolean {
  return status === "error" || status === "failed" || status === "denied" || status === "deny";
}

/**
 * `6.7s · 2 steps · first token 0.4s · 2 gaps of more than 1s, 4.1s in all`: the same times as in
 * the header and the footer.
 */
function summary(
  { start, end, gapCount, gapSeconds, steps }: Timeline,
  run: PropsOf<"run">,
): string {
  const answers = num(run.turns);
  // A chat has waited for its prompts: its time is that of its last answer.
  const list =
    answers === null
      ? [duration(end - start)]
      : [`${count(answers)} ${answers === 1 ? "answer" : "answers"}`];
  const took = elapsed(run);
  if (answers !== null && took !== null && run.untimed !== true)
    list.push(`the last in ${duration(took)}`);
  if (steps > 0) list.push(`${count(steps)} ${steps === 1 ? "step" : "steps"}`);
  list.push(...pace(run));
  if (gapCount > 0) {
    const gaps = gapCount === 1 ? "gap" : "gaps";
    list.push(`${count(gapCount)} ${gaps} of more than 1s, ${duration(gapSeconds)} in all`);
  }
  return list.join(" · ");
}
