/** The footer: tokens, tools, first token, speed, cost. */

import { figures, isLive } from "../status";
import { type Store, seconds } from "../store";
import { num, type Props, record } from "../values";
import { useSession } from "./context";

export function Footer() {
  const session = useSession();
  const props = session.runProps;
  const speed = isLive(session.status) ? null : tokensPerSecond(props, session.store);
  const list = figures(props, speed);
  if (list.length === 0) return null;
  return (
    <footer class="nb-foot">
      {list.map((figure) => (
        <span key={figure}>{figure}</span>
      ))}
    </footer>
  );
}

/** Output tokens per second of a finished run, the time in its tools and before its first token left out. */
export function tokensPerSecond(run: Props, store: Store): number | null {
  const output = num(record(run.usage)?.output);
  const took = num(run.ended) === null ? null : seconds(run, 0);
  if (output === null || took === null) return null;
  const writing = took - (num(run.first_token) ?? 0) - toolSeconds(store);
  return writing > 0.2 ? output / writing : null;
}

/** Seconds during which at least one tool ran. */
function toolSeconds(store: Store): number {
  const spans: [number, number][] = [];
  for (const block of store.all) {
    if (block.kind !== "tool") continue;
    const props = block.props.peek();
    const [from, to] = [num(props.args_done) ?? num(props.started), num(props.ended)];
    if (from !== null && to !== null) spans.push([from, to]);
  }
  spans.sort((left, right) => left[0] - right[0]);
  let total = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const [from, to] of spans) {
    total += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return total;
}
