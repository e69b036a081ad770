/** The header: who runs, how it goes, for how long, and Stop. */

import { count, isLive, runLabel } from "../status";
import { seconds } from "../store";
import { Icon } from "../ui/icons";
import { num, str } from "../values";
import { useSession } from "./context";
import { Elapsed } from "./elapsed";

export function Header() {
  const session = useSession();
  const props = session.runProps;
  const live = isLive(session.status);
  const ended = num(props.ended);
  const stopping = live && (session.stopAsked.value || session.status === "stopping");
  const took = ended === null ? null : seconds(props, ended);
  const { tone, text } = runLabel(props, took, session.awaiting.value > 0);
  const model = str(props.model) === str(props.name) ? null : str(props.model);
  const deltas = num(props.deltas);
  const events = num(props.events);
  // The labels of a finished run that already hold its time.
  const timed = text !== null && took !== null && /^(Done|Failed)/.test(text);
  return (
    <header class="nb-head">
      <span class={`nb-dot nb-dot-${tone}`} />
      <strong class="nb-title">{str(props.name) ?? "agent"}</strong>
      {model !== null && <span class="nb-model">{model}</span>}
      {text !== null && !stopping && (
        <span class={`nb-status ${tone === "ask" || tone === "bad" ? `nb-${tone}` : ""}`}>{text}</span>
      )}
      {!timed && (live || ended !== null) && <Elapsed started={session.started} ended={ended} />}
      {live && deltas !== null && deltas > 0 && (
        <span class="nb-counter" title={events === null ? undefined : `${count(events)} events`}>
          {count(deltas)} {deltas === 1 ? "delta" : "deltas"}
        </span>
      )}
      <span class="nb-grow" />
      {live && (
        <button type="button" class="nb-button nb-stop" disabled={stopping} onClick={() => session.stop()}>
          <Icon name="stop" />
          {stopping ? "Stopping…" : "Stop"}
        </button>
      )}
    </header>
  );
}
