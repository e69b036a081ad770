/** Requests page of the inspector: what the model was sent, step by step. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../session";
import { isLive } from "../status";
import type { Subject } from "../transcript/inspecting";
import { LoadError } from "../transcript/lazy";
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

/** Pause between two questions while the run goes on. */
const PAUSE_MS = 700;
/** Rows that are drawn at first, the newest. */
const FIRST_ROWS = 200;

interface RequestsPageProps {
  session: Session;
  /** The block whose request is chosen at first; null for the newest request. */
  block: Subject | null;
}

export function RequestsPage({ session, block }: RequestsPageProps) {
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
      {chosen && <RequestView key={chosen.number} session={session} row={chosen} />}
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
  const list = useRef<HTMLDivElement>(null);
  const name = useUniqueId();
  const [limit, setLimit] = useState(FIRST_ROWS);
  const shown = rows.slice(-limit);
  const several = new Set(rows.map(({ agent }) => agent)).size > 1;
  const stepped = rows.some((row) => row.step !== row.number);
  const number = chosen?.number;
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView?.({ block: "nearest" });
  }, [number]);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = shown.findIndex((row) => row.number === number);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: shown.length - 1 }[event.key];
    const next = to === undefined ? undefined : shown[to];
    if (to === undefined) return;
    event.preventDefault();
    if (next) onChoose(next.number);
  };
  return (
    <>
      {rows.length > limit && (
        <button
          type="button"
          class="nb-link nb-request-older"
          onClick={() => setLimit(limit + FIRST_ROWS)}
        >
          {count(rows.length - limit)} earlier
        </button>
      )}
      <div
        ref={list}
        class="nb-request-list"
        role="listbox"
        aria-label="Requests"
        aria-activedescendant={number === undefined ? undefined : `${name}-${number}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        {shown.map((row) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys
          <div
            key={row.number}
            id={`${name}-${row.number}`}
            class="nb-request-row"
            role="option"
            aria-selected={row.number === number}
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
    </>
  );
}

/** The agent and its step, where they say more than the request's number. */
function stepLabel({ agent, step }: RequestRow, several: boolean, stepped: boolean): string {
  return [several ? agent : "", stepped ? `step ${step}` : ""]
    .filter((text) => text !== "")
    .join(" ");
}
