/** The state of a map in one line, and what its reader does with the whole of it. */

import type { Session } from "../session";
import { isLive } from "../status";
import { Icon } from "../ui/icons";
import { count, num, type PropsOf, str } from "../values";

export function Bar({ session, props }: { session: Session; props: PropsOf<"rows"> }) {
  const [total, ended, failed] = [props.total, props.ended, props.failed].map(
    (value) => num(value) ?? 0,
  ) as [number, number, number];
  const summary = str(props.summary) ?? "";
  const goesOn = props.is_live === true && session.kernel.state.value !== "gone";
  const act = (act: "stop" | "pause" | "go_on" | "retry") =>
    session.channel.send({ t: "rows", act });
  return (
    <div class="nb-map-head">
      <div
        class="nb-map-track"
        role="progressbar"
        aria-label="Rows that have ended"
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={ended}
        aria-valuetext={summary}
      >
        <i class="nb-map-done" style={{ width: share(ended - failed, total) }} />
        <i class="nb-map-failed" style={{ width: share(failed, total) }} />
      </div>
      <div class="nb-map-bar">
        <span class="nb-map-summary">{summary}</span>
        <span class="nb-grow" />
        {goesOn && !session.onlyWatches && (
          <button
            type="button"
            class="nb-button"
            onClick={() => act(props.is_paused === true ? "go_on" : "pause")}
          >
            {props.is_paused === true ? "Go on" : "Pause"}
          </button>
        )}
        {goesOn && !isLive(session.status) && (
          <button type="button" class="nb-button nb-stop" onClick={() => act("stop")}>
            <Icon name="stop" />
            Stop
          </button>
        )}
        {!goesOn && failed > 0 && session.kernel.state.value !== "gone" && (
          <button type="button" class="nb-button" onClick={() => act("retry")}>
            Retry {count(failed)} failed
          </button>
        )}
      </div>
    </div>
  );
}

const share = (part: number, total: number) => `${total === 0 ? 0 : (100 * part) / total}%`;
