/** Requests page of the inspector: what the model was sent, step by step. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../session";
import { isLive } from "../status";
import type { Subject } from "../transcript/inspecting";
import { LoadError } from "../transcript/lazy";
import type { Result } from "../transcript/result";
import { duration } from "../ui/duration";
import { useUniqueId } from "../ui/unique-id";
import { count, num } from "../values";
import { RequestView } from "./request-view";
import {
  askRequests,
  hasFailed,
  inputLabel,
  outcome,
  type RequestRow,
  requestOf,
} from "./requests";
import { useRowsInView } from "./rows-in-view";

/** Pause between two questions while the run goes on. */
const PAUSE_MS = 700;
/** Height of `.nb-request-row` in requests.css. */
const ROW_PX = 24;

interface RequestsPageProps {
  session: Session;
  /** The block whose request is chosen at first; null for the newest request. */
  block: Subject | null;
  Result: typeof Result;
}

export function RequestsPage({ session, block, Result }: RequestsPageProps) {
  const { rows, problem, retry } = useRequests(session);
  const [picked, setPicked] = useState<number | null>(null);
  if (problem !== null && rows === null) {
    return (
      <div class="nb-inspector">
        <LoadError reason={problem} onRetry={retry} />
      </div>
    );
  }
  if (rows === null) return <div class="nb-inspector" aria-busy="true" />;
  if (rows.length === 0) return <NoRequests />;
  const started = block && num(session.store.get(block.id)?.props.value.started);
  const number = picked ?? requestOf(rows, started) ?? rows.at(-1)?.number;
  const chosen = rows.find((row) => row.number === number) ?? rows[rows.length - 1];
  return (
    <div class="nb-inspector nb-requests">
      <RequestList rows={rows} chosen={chosen} onChoose={setPicked} />
      {chosen && <RequestView key={chosen.number} session={session} row={chosen} Result={Result} />}
    </div>
  );
}

function NoRequests() {
  return (
    <div class="nb-inspector nb-requests-none">
      <p class="nb-note">
        No request to a model was kept in this run. Those of an <code>nbagent.Agent</code> are, and
        those of a client that is watched: <code>client = nbagent.watch(client)</code>.
      </p>
    </div>
  );
}

/** The requests; they are read again while the run, or one of the responses, goes on. */
function useRequests(session: Session): {
  rows: RequestRow[] | null;
  problem: string | null;
  retry: () => void;
} {
  const [rows, setRows] = useState<RequestRow[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  const live = isLive(session.status);
  useEffect(() => {
    let cancelled = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (before: RequestRow[]) => {
      const answer = await askRequests(session, before);
      if (cancelled) return;
      setRows(answer);
      setProblem(null);
      if (live || answer.some(({ seconds }) => seconds === null)) {
        timer = setTimeout(() => ask(answer).catch(fail), PAUSE_MS);
      }
    };
    const fail = (error: Error) => cancelled || setProblem(error.message);
    ask(rows ?? []).catch(fail);
    return () => {
      cancelled = true;
      clearTimeout(timer);
    };
  }, [session, live, attempt]);
  return { rows, problem, retry: () => setAttempt(attempt + 1) };
}

interface RequestListProps {
  rows: readonly RequestRow[];
  chosen: RequestRow | undefined;
  onChoose: (number: number) => void;
}

function RequestList({ rows, chosen, onChoose }: RequestListProps) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const name = useUniqueId();
  const { from, to } = useRowsInView(list, ROW_PX, rows.length);
  const several = new Set(rows.map(({ agent }) => agent)).size > 1;
  const stepped = rows.some((row) => row.step !== row.number);
  const at = chosen === undefined ? -1 : rows.indexOf(chosen);
  useLayoutEffect(() => {
    const scroller = box.current;
    if (scroller === null || at < 0) return;
    const top = at * ROW_PX;
    const last = top + ROW_PX - scroller.clientHeight;
    scroller.scrollTop = Math.min(top, Math.max(last, scroller.scrollTop));
  }, [at]);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    const next = to === undefined ? undefined : rows[to];
    if (to === undefined) return;
    event.preventDefault();
    if (next) onChoose(next.number);
  };
  return (
    <div
      ref={box}
      class="nb-request-list"
      role="listbox"
      aria-label="Requests"
      aria-activedescendant={at >= from && at < to ? `${name}-${chosen?.number}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div
        ref={list}
        class="nb-request-rows"
        role="presentation"
        style={{ paddingBlock: `${from * ROW_PX}px ${(rows.length - to) * ROW_PX}px` }}
      >
        {rows.slice(from, to).map((row, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys
          <div
            key={row.number}
            id={`${name}-${row.number}`}
            class="nb-request-row"
            role="option"
            aria-selected={row === chosen}
            aria-setsize={rows.length}
            aria-posinset={from + i + 1}
            tabIndex={-1}
            onClick={() => onChoose(row.number)}
          >
            <span>
              <strong>{row.number}</strong>{" "}
              <span class="nb-muted nb-request-step">{stepLabel(row, several, stepped)}</span>
            </span>
            <span class="nb-request-model">{row.model}</span>
            <span class="nb-request-changes">{row.changes}</span>
            <span class={hasFailed(row) ? "nb-bad" : "nb-muted"}>{outcome(row)}</span>
            <span class="nb-request-figure">{inputLabel(row)}</span>
            <span class="nb-request-figure">
              {row.output === null ? "" : `${count(row.output)} out`}
            </span>
            <span class="nb-request-figure">
              {row.seconds === null ? "…" : duration(row.seconds)}
            </span>
          </div>
        ))}
      </div>
    </div>
  );
}

/** The agent and its step, where they say more than the request's number. */
function stepLabel({ agent, step }: RequestRow, several: boolean, stepped: boolean): string {
  return [several ? agent : "", stepped ? `step ${step}` : ""]
    .filter((text) => text !== "")
    .join(" ");
}
