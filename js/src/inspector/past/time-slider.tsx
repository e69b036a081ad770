/** Slider over the events of a run: shows the run as it was after any of them. */

import { useEffect } from "preact/hooks";
import type { Session } from "../../session";
import { LoadError } from "../../transcript/lazy";
import { duration } from "../../ui/duration";
import { count } from "../../values";
import type { Past } from "./past";

export function TimeSlider({ session, past }: { session: Session; past: Past }) {
  useEffect(() => void past.refresh(), [past]);
  const position = past.position.value;
  const last = past.count;
  const { first, readable } = past;
  const problem = past.problem.value;
  const at = position ?? last;
  const label =
    position === null
      ? null
      : [`event ${count(at)} of ${count(last)}`, ...about(past, at, session.started)];
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "PageUp") void past.skip(1);
    else if (event.key === "PageDown") void past.skip(-1);
    else return;
    event.preventDefault();
  };
  if (last < 2) return null;
  if (!readable && position === null)
    return (
      <p class="nb-note nb-times">
        The run as it was can be read from its kernel only, which cannot be reached.
      </p>
    );
  return (
    // biome-ignore lint/a11y/useSemanticElements: no form
    <div class="nb-times" role="group" aria-label="Time">
      <input
        type="range"
        aria-label="The run as it was"
        aria-valuetext={label?.join(", ") ?? `now, ${count(last)} events`}
        title="Arrow keys: by event. Page keys: by step or call. Escape: now."
        min={first}
        max={last}
        value={at}
        onFocus={() => past.refresh()}
        onInput={({ currentTarget }) => past.goTo(currentTarget.valueAsNumber)}
        onKeyDown={onKeyDown}
      />
      <span class="nb-muted nb-times-label" aria-hidden="true">
        {label?.join(" · ") ?? "now"}
      </span>
      <button
        type="button"
        class="nb-button"
        aria-disabled={position === null}
        title="Show the run as it is now (Escape)"
        onClick={() => past.leave()}
      >
        Now
      </button>
      {first > 1 && <p class="nb-note">The first {count(first - 1)} events are no longer kept.</p>}
      {problem !== null && <LoadError reason={problem} onRetry={() => past.goTo(at)} />}
    </div>
  );
}

/** `3.2s`, `tool.args`; while the event is not read, how much is. */
function about(past: Past, at: number, started: number): string[] {
  const time = past.time(at);
  return time === null
    ? [`reading ${Math.floor(100 * past.share)} %`]
    : [duration(Math.max(0, time - started)), past.type(at)];
}
