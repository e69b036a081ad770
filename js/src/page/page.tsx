/**
 * The page around the view: agents to chat with, runs to watch, and the field for the server's
 * token.
 */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { fragmentOf, type Place, placeOf } from "./place";
import * as server from "./server";
import { View } from "./view";

/** Pause before the next try to reach the server. */
const RETRY_MS = 2000;

type Served = server.About & server.Listed;

/** Ended runs that are listed. */
const MAX_ENDED = 10;

/** State of the server, as the page has found it. */
type State = "asking" | "open" | "token" | "unreachable";

export function Page() {
  const [place, setPlace] = useState<Place>(() => placeOf(location.hash));
  const [state, setState] = useState<State>("asking");
  const [served, setServed] = useState<Served>({
    agents: [],
    onlyWatches: false,
    runs: [],
    ended: [],
  });
  // A run is drawn when it is known what the reader may do with it.
  const [isKnown, setKnown] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const look = useCallback(async () => {
    try {
      const [about, listed] = await Promise.all([server.about(), server.runs()]);
      setServed({ ...about, ...listed });
      setKnown(true);
      setState("open");
    } catch (error) {
      setState(error instanceof server.TokenNeeded ? "token" : "unreachable");
    }
  }, []);
  const go = useCallback((to: Place, replace = false) => {
    if (replace) history.replaceState(null, "", fragmentOf(to));
    else history.pushState(null, "", fragmentOf(to));
    setPlace(to);
  }, []);
  const chat = useCallback(
    async (agent: string, replace = false) => {
      setProblem(null);
      const askedAt = location.href;
      try {
        const session = await server.newSession(agent);
        // A reader may have chosen a run while the server answered.
        if (location.href === askedAt) go({ kind: "chat", agent, session }, replace);
      } catch (error) {
        if (error instanceof server.TokenNeeded) setState("token");
        else setProblem(error instanceof Error ? error.message : String(error));
      }
    },
    [go],
  );

  useEffect(() => {
    const follow = () => setPlace(placeOf(location.hash));
    addEventListener("hashchange", follow);
    addEventListener("popstate", follow);
    return () => {
      removeEventListener("hashchange", follow);
      removeEventListener("popstate", follow);
    };
  }, []);
  useEffect(() => {
    if (state === "token") return;
    if (state === "open")
      return server.followRuns(
        (listed) => setServed((before) => ({ ...before, ...listed })),
        () => setState("unreachable"),
      );
    if (state === "asking") look();
    const timer = setInterval(look, RETRY_MS);
    return () => clearInterval(timer);
  }, [state, look]);
  // With one agent there is nothing to choose.
  const hasChosen = useRef(false);
  useEffect(() => {
    if (place.kind !== "home") hasChosen.current = false;
    if (state !== "open" || place.kind !== "home" || hasChosen.current) return;
    const [agent, otherAgent] = served.agents;
    const [run, otherRun] = served.runs;
    hasChosen.current = true;
    if (agent !== undefined && !served.onlyWatches && otherAgent === undefined && run === undefined)
      chat(agent, true);
    else if (
      (agent === undefined || served.onlyWatches) &&
      run !== undefined &&
      otherRun === undefined
    )
      go({ kind: "run", run: run.id }, true);
    else hasChosen.current = false;
  }, [state, place.kind, served, chat, go]);
  const heading = headingOf(place, served);
  useEffect(() => {
    document.title = heading ? `${heading} · nbagent` : "nbagent";
    document.body.dataset.place = place.kind; // a narrow page shows either the lists or what was chosen
  }, [place, heading]);

  return (
    <>
      <header class="page-bar">
        <a class="page-name" href="#/" title="All agents and runs">
          <span class="page-back" aria-hidden="true">
            ‹
          </span>
          <span class="page-dot" data-state={state} /> nbagent
          {served.runs.length > 0 && <span class="page-count">{served.runs.length} running</span>}
        </a>
        <nav class="page-nav" aria-label="Agents and runs">
          {served.agents.length > 0 && !served.onlyWatches && (
            <Agents agents={served.agents} place={place} onChat={chat} />
          )}
          {served.runs.length > 0 && <Runs title="Running now" runs={served.runs} place={place} />}
          {served.ended.length > 0 && (
            <Runs title="Ended" runs={served.ended.slice(0, MAX_ENDED)} place={place} />
          )}
        </nav>
      </header>
      <main class="page-main">
        <h1 class="page-heading">{heading || "Agents and runs"}</h1>
        {problem !== null && (
          <p class="page-problem" role="alert">
            {problem}
          </p>
        )}
        {state === "token" ? (
          <TokenField onDone={look} />
        ) : place.kind === "home" || !isKnown ? (
          <Home state={state} served={served} />
        ) : (
          <View place={place} onlyWatches={served.onlyWatches} onLost={look} />
        )}
      </main>
    </>
  );
}

/** Return what the page shows in a few words; "" for the lists alone. */
function headingOf(place: Place, { runs, ended }: Served): string {
  if (place.kind === "home") return "";
  if (place.kind === "chat") return `Chat with ${place.agent}`;
  const shown = [...runs, ...ended].find(({ id }) => id === place.run);
  return shown?.prompt || `Run ${place.run}`;
}

interface AgentsProps {
  agents: readonly string[];
  place: Place;
  onChat: (agent: string) => void;
}

function Agents({ agents, place, onChat }: AgentsProps) {
  return (
    <section>
      <h2>New chat</h2>
      <ul>
        {agents.map((agent) => (
          <li key={agent}>
            <button
              type="button"
              class="page-item"
              data-current={place.kind === "chat" && place.agent === agent}
              onClick={() => onChat(agent)}
            >
              <span class="page-label">{agent}</span>
              <span aria-hidden="true">+</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface RunsProps {
  title: "Running now" | "Ended";
  runs: readonly server.ServedRun[];
  place: Place;
}

function Runs({ title, runs, place }: RunsProps) {
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {runs.map(({ id, agent, prompt }) => (
          <li key={id}>
            <a
              class="page-item"
              href={fragmentOf({ kind: "run", run: id })}
              aria-current={place.kind === "run" && place.run === id ? "page" : undefined}
              title={prompt || id}
            >
              {title === "Running now" && <span class="page-live" aria-hidden="true" />}
              <span class="page-label">
                {prompt && <bdi>{prompt}</bdi>}
                <small>
                  {agent} <code>{id.slice(-4)}</code>
                </small>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Home({ state, served }: { state: State; served: Served }) {
  const text = {
    asking: "",
    token: "",
    unreachable: "The server does not answer. Trying again…",
    open: homeText(served),
  }[state];
  return (
    <div class="page-home">
      <p role="status">{text}</p>
      {state === "open" && (
        <p class="page-note">What an agent writes, does and asks shows here as it happens.</p>
      )}
    </div>
  );
}

function homeText({ agents, onlyWatches, runs }: Served): string {
  if (onlyWatches)
    return runs.length > 0
      ? "Choose a run to watch."
      : "No run goes on. One that begins is listed here.";
  return agents.length > 0 ? "Choose an agent to chat with, or a run to watch." : "No run goes on.";
}

function TokenField({ onDone }: { onDone: () => void }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await server.logIn(token.trim());
      onDone();
    } catch (error) {
      if (error instanceof server.TokenNeeded) setProblem("That is not a token of this server.");
      else setProblem(error instanceof Error ? error.message : String(error));
      field.current?.select();
    }
  };
  return (
    <form class="page-token" onSubmit={submit}>
      <label for="page-token">The server's token</label>
      <div>
        <input
          ref={field}
          id="page-token"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          aria-describedby="page-token-help page-token-problem"
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <button type="submit">Open</button>
      </div>
      <p id="page-token-help" class="page-note">
        Whoever started the server can tell it to you.
      </p>
      <p id="page-token-problem" role="alert">
        {problem}
      </p>
    </form>
  );
}
