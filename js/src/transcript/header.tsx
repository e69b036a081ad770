/** The header: name, model, status, duration, and Stop. */

import { useEffect } from "preact/hooks";
import { run as LABELS } from "../../../nbagent/protocol/labels.json";
import { lossText } from "../session";
import { fill } from "../shared";
import { elapsed, failedCallsLabel, isLive, lanesLabel, runLabel } from "../status";
import { isKind } from "../store";
import { rounded } from "../ui/duration";
import { Icon } from "../ui/icons";
import { count, num, str } from "../values";
import { StepButton } from "./breakpoint";
import { useSession } from "./context";
import { Elapsed } from "./elapsed";
import { InspectButton } from "./inspecting";
import { goToQuestion } from "./questions";

export function Header() {
  const session = useSession();
  const props = session.runProps;
  const live = isLive(session.status);
  const ended = live ? null : num(props.ended);
  const link = live ? session.kernel.state.value : "live";
  const gone = link === "gone";
  const stopping = live && (session.stopRequested.value || session.status === "stopping");
  const took = elapsed(props);
  const label = runLabel(props, took, session.awaiting.value > 0);
  const tone = link === "live" ? label.tone : gone ? "bad" : "ask";
  const text = gone
    ? lossText(session.peer, session.kernel.loss.value)
    : stopping
      ? null
      : label.text;
  const model = str(props.model) === str(props.name) ? null : str(props.model);
  const words = num(props.words) ?? 0;
  const events = num(props.events);
  const failedCalls = failedCallsLabel(props);
  // True for labels that include the time.
  const timed = text !== null && took !== null && /^(Done|Failed)/.test(text);
  const untimed = props.untimed === true || props.turns === 0;
  return (
    <header class="nb-head">
      <span class={`nb-dot nb-dot-${tone}`} />
      <strong class="nb-title" title={str(props.name) ?? undefined}>
        {str(props.name) ?? LABELS.name}
      </strong>
      {model !== null && <span class="nb-model">{model}</span>}
      {link === "silent" ? (
        <Silence />
      ) : link === "live" && !stopping && session.awaiting.value > 0 && live ? (
        <Waiting />
      ) : (
        text !== null && (
          <span class={`nb-status ${tone === "ask" || tone === "bad" ? `nb-${tone}` : ""}`}>
            {text}
          </span>
        )
      )}
      <LaneCount />
      {!timed && !untimed && (live || ended !== null) && (
        <Elapsed started={session.started} ended={ended} />
      )}
      {live && words > 0 && (
        <span class="nb-counter" title={events === null ? undefined : `${count(events)} events`}>
          {words === 1 ? LABELS.word : fill(LABELS.words, count(words))}
        </span>
      )}
      {failedCalls && <span class="nb-failed-calls nb-ask">{failedCalls}</span>}
      <span class="nb-grow" />
      <StepButton />
      {live && !session.onlyWatches && (
        // Not `disabled`, which would take the keyboard focus away.
        <button
          type="button"
          class="nb-button nb-stop"
          aria-disabled={gone || (stopping && !session.stopOverdue.value)}
          title={gone ? `The ${session.peer} cannot be reached` : undefined}
          onClick={() => session.stop()}
        >
          <Icon name="stop" />
          {stopping ? LABELS.stopping : "Stop"}
        </button>
      )}
      <InspectButton />
    </header>
  );
}

/** Button that says that the run waits, with the number of questions; it leads to the next one. */
function Waiting() {
  const session = useSession();
  const waiting = session.awaiting.value;
  return (
    <button
      type="button"
      class="nb-link nb-status nb-ask"
      title={LABELS.go_to_question}
      onClick={({ currentTarget }) => {
        const view = currentTarget.closest(".nb-frame");
        if (view) goToQuestion(session, view);
      }}
    >
      {waiting === 1 ? LABELS.paused : fill(LABELS.questions, count(waiting))}
    </button>
  );
}

/** `6 / 20, 1 cut off, 1 failed`: the streams shown side by side that are over. */
function LaneCount() {
  const { store, runProps } = useSession();
  if (num(runProps.lanes) === null) return null;
  const lanes = store.top.pages.value
    .flatMap((page) => page.value)
    .filter((block) => isKind(block, "agent"));
  const over = lanes.filter((lane) => lane.closed.value);
  return (
    <span class="nb-lane-count">
      {lanesLabel(
        runProps,
        over.map((lane) => str(lane.props.value.status) ?? ""),
      )}
    </span>
  );
}

/** Shows for how long no message has come from the kernel. */
function Silence() {
  const { clock, kernel, peer } = useSession();
  useEffect(() => clock.watch(), [clock]);
  // Redraws with the session's clock, but measures by the clock of the page, as `lastMessageAt`
  // does.
  clock.now.value;
  return (
    <span class="nb-status nb-ask">
      No word from the {peer} for {rounded((Date.now() - kernel.lastMessageAt) / 1000)}
    </span>
  );
}
