/** The footer: tokens, tools, first token, speed, cost. */

import { figures } from "../status";
import { useSession } from "./context";

export function Footer() {
  const list = figures(useSession().runProps);
  if (list.length === 0) return null;
  return (
    <footer class="nb-foot">
      {list.map((figure) => (
        <span key={figure}>{figure}</span>
      ))}
    </footer>
  );
}
