/** The server's endpoints that the page uses, apart from the views. */

import { record, str } from "../values";
import { socketUrl } from "./place";

export interface ServedRun {
  readonly id: string;
  readonly agent: string;
  /** First words of its prompt; "" for a run without one. */
  readonly prompt: string;
}

/** The server wants its token. */
export class TokenNeeded extends Error {}

/** Return the JSON of a response. */
async function ask(path: string, body?: unknown): Promise<Record<string, unknown>> {
  const sent = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(new URL(path, document.baseURI), body === undefined ? {} : sent);
  const answer = record(await response.json().catch(() => null)) ?? {};
  if (response.ok) return answer;
  const problem = str(record(answer.error)?.message) ?? `The server answered ${response.status}.`;
  throw response.status === 401 ? new TokenNeeded(problem) : new Error(problem);
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** Facts about the server, from its `/health`. */
export interface About {
  readonly agents: readonly string[];
  /** True if the page may only watch runs: it was opened with the token of readers. */
  readonly onlyWatches: boolean;
}

export async function about(): Promise<About> {
  const { agents, access } = await ask("health");
  return {
    agents: list(agents).flatMap((name) => str(name) ?? []),
    onlyWatches: access === "read",
  };
}

export interface Listed {
  /** Runs that go on. */
  readonly runs: readonly ServedRun[];
  /** Runs that have ended lately, the newest first; none where the server lists none. */
  readonly ended: readonly ServedRun[];
}

export async function runs(): Promise<Listed> {
  return listed(await ask("runs"));
}

/** Follow the runs that go on, until the connection ends. Returns a function that ends it. */
export function followRuns(changed: (listed: Listed) => void, gone: () => void): () => void {
  const socket = new WebSocket(socketUrl("runs", document.baseURI));
  socket.onmessage = ({ data }) => changed(listed(JSON.parse(data)));
  socket.onclose = gone;
  return () => {
    socket.onclose = null;
    socket.close();
  };
}

function listed(answer: unknown): Listed {
  const { runs, ended } = record(answer) ?? {};
  return { runs: runsIn(runs), ended: runsIn(ended) };
}

function runsIn(items: unknown): ServedRun[] {
  return list(items).flatMap((item) => {
    const { id, agent, prompt } = record(item) ?? {};
    if (typeof id !== "string" || typeof agent !== "string") return [];
    return { id, agent, prompt: str(prompt) ?? "" };
  });
}

/** Begin a session with an agent. Return its name. */
export async function newSession(agent: string): Promise<string> {
  const session = str((await ask(`agents/${encodeURIComponent(agent)}/sessions`, {})).session_id);
  if (session === null) throw new Error("The server has begun no session.");
  return session;
}

/** Give the server its token, for a cookie that the browser sends from then on. */
export async function logIn(token: string): Promise<void> {
  await ask("login", { token });
}
