/** Draws a view of a session into an element. */

import { render } from "preact";
import type { Session } from "./session";
import { adoptStyle, STYLE_CLASS } from "./style";
import { Transcript } from "./transcript/transcript";
import { anchorScroll } from "./ui/scroll-anchor";
import { keepPlainKeys } from "./ui/shortcuts";

/** @returns the view's element, and a function that removes it. */
export function mount(
  session: Session,
  el: HTMLElement,
): { root: HTMLElement; unmount: () => void } {
  const root = document.createElement("div");
  root.className = `nbagent ${STYLE_CLASS}`.trim();
  root.dataset.nbagentRun = session.runId;
  const passKeys = keepPlainKeys(root);
  el.append(root);
  adoptStyle(root);
  render(<Transcript session={session} />, root);
  const stopAnchoring = anchorScroll(root);
  const detachAnnouncer = session.announcer.attach();
  const unmount = () => {
    detachAnnouncer();
    stopAnchoring();
    passKeys();
    render(null, root);
    root.remove();
  };
  return { root, unmount };
}
