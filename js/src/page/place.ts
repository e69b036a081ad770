/**
 * Place that the page shows, as the fragment of its address: a run, a chat with an agent, or
 * nothing yet.
 */

export type Place =
  | { readonly kind: "home" }
  | { readonly kind: "run"; readonly run: string }
  | { readonly kind: "chat"; readonly agent: string; readonly session: string };

const RUN = /^#(run-[\w-]+)$/;
const CHAT = /^#chat\/([^/]+)\/([^/]+)$/;

export function placeOf(fragment: string): Place {
  const run = RUN.exec(fragment)?.[1];
  if (run !== undefined) return { kind: "run", run };
  const [, agent, session] = CHAT.exec(fragment) ?? [];
  if (agent === undefined || session === undefined) return { kind: "home" };
  try {
    return { kind: "chat", agent: decodeURIComponent(agent), session: decodeURIComponent(session) };
  } catch {
    return { kind: "home" };
  }
}

export function fragmentOf(place: Place): string {
  if (place.kind === "home") return "#/";
  if (place.kind === "run") return `#${place.run}`;
  return `#chat/${encodeURIComponent(place.agent)}/${encodeURIComponent(place.session)}`;
}

/** Address of the place's WebSocket, for a page at `base`. */
export function viewUrl(place: Exclude<Place, { kind: "home" }>, base: string): URL {
  const url = socketUrl("view", base);
  url.search = String(
    new URLSearchParams(
      place.kind === "run" ? { run: place.run } : { agent: place.agent, session: place.session },
    ),
  );
  return url;
}

/** Address of a WebSocket of the server, for a page at `base`. */
export function socketUrl(path: string, base: string): URL {
  const url = new URL(path, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return url;
}
