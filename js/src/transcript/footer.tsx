/** The footer: tokens, tools, first token, speed, cost. */

import { figures } from "../status";
import { isKind } from "../store";
import { useSession } from "./context";

export function Footer() {
  const { runProps, store } = useSession();
  const tools = [...store.all].filter((block) => isKind(block, "tool")).map((block) => block.props.peek());
  const list = figures(runProps, tools);
  if (list.length === 0) return null;
  return (
    <footer class="nb-foot">
      {list.map((figure) => (
        <span key={figure}>{figure}</span>
      ))}
    </footer>
  );
}
