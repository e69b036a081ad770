/** The view of a run or a chat, as in a notebook, over a connection of its own. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { LazyModule } from "../modules";
import { mount } from "../mount";
import { Session } from "../session";
import { fragmentOf, type Place, viewUrl } from "./place";
import { type Connection, SocketModel } from "./socket-model";

/** The parts of the front end stand beside this script. */
const importModule = (name: string): Promise<LazyModule> =>
  import(/* @vite-ignore */ new URL(name, import.meta.url).href);

interface ViewProps {
  place: Exclude<Place, { kind: "home" }>;
  /** True if the reader may only watch. */
  onlyWatches: boolean;
  /** Called when the connection is lost: the server may be gone, or want a token. */
  onLost: () => void;
}

export function View({ place, onlyWatches, onLost }: ViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const [{ connection, reason }, setState] = useState<{ connection: Connection; reason: string }>({
    connection: "connecting",
    reason: "",
  });
  const key = fragmentOf(place);
  useEffect(() => {
    if (!box.current) return;
    const model = new SocketModel({
      url: viewUrl(place, document.baseURI),
      key,
      onlyWatches,
      importModule,
    });
    const session = new Session(model);
    session.start(false);
    const { root, unmount } = mount(session, box.current);
    const stopFocusing = place.kind === "chat" ? focusInput(root) : () => {};
    const stopWatching = model.connection.subscribe((now) => {
      setState({ connection: now, reason: model.reason });
      if (now === "lost") onLost();
    });
    return () => {
      stopWatching();
      stopFocusing();
      unmount();
      session.dispose();
      model.close();
    };
  }, [key, onlyWatches]);
  return (
    <section
      class={`page-view page-${place.kind}`}
      aria-label={place.kind === "chat" ? "Chat" : "Run"}
    >
      <p class="page-connection" role="status" hidden={connection !== "lost"}>
        {connection === "lost" && "The connection to the server is lost. Trying again…"}
      </p>
      {connection === "refused" && (
        <p class="page-connection" role="alert">
          {reason || "The server does not show this."} <a href="#/">Start anew</a>
        </p>
      )}
      <div class="page-box" ref={box} />
    </section>
  );
}

/** Focus the input line when it is drawn, unless the reader writes elsewhere by then. */
function focusInput(root: HTMLElement): () => void {
  const observer = new MutationObserver(() => {
    const field = root.querySelector<HTMLElement>(".nb-chat-text");
    if (!field) return;
    observer.disconnect();
    if (!document.activeElement?.matches("input, textarea")) field.focus();
  });
  observer.observe(root, { childList: true, subtree: true });
  return () => observer.disconnect();
}
