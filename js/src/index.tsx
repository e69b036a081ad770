/** The widget's front end for anywidget: a session per model, a view per place it is shown. */

import type { AnyModel, InitializeProps, RenderProps } from "@anywidget/types";
import { effect } from "@preact/signals";
import { render as draw } from "preact";
import { hostOf } from "./host";
import type { ViewMessage } from "./protocol";
import { type Model, Session } from "./session";
import { Transcript } from "./transcript/transcript";
import { hideTwin } from "./twin";
import { keepStill } from "./ui/still";
import { str } from "./values";

/** The session of each run that this module has initialized; a host hands `render` another model object than `initialize`. */
const sessions = new Map<string, Session>();
const views = new WeakMap<HTMLElement, () => void>();

function modelOf(model: AnyModel): Model {
  const runId = str(model.get("run_id")) ?? "";
  return {
    runId,
    mark: str(model.get("mark")) ?? runId,
    host: hostOf(model),
    head: () => model.get("head"),
    onHead(changed) {
      model.on("change:head", changed);
      return () => model.off("change:head", changed);
    },
    listen(receive) {
      model.on("msg:custom", receive);
      return () => model.off("msg:custom", receive);
    },
    send(message: ViewMessage) {
      try {
        model.send(message);
      } catch {
        // A comm of a kernel that is gone refuses to send; the host says so by itself.
      }
    },
  };
}

/** Synchronous, because the host gives a model two seconds: all that is slow comes later, over the channel. */
function initialize({ model }: InitializeProps): () => void {
  const session = new Session(modelOf(model));
  sessions.set(session.runId, session);
  return () => {
    session.dispose();
    if (sessions.get(session.runId) === session) sessions.delete(session.runId);
  };
}

function render({ model, el }: RenderProps): () => void {
  const session = sessions.get(str(model.get("run_id")) ?? "");
  if (session === undefined) throw new Error("nbagent: this view's model was never initialized or is already closed");
  views.get(el)?.();
  const root = document.createElement("div");
  root.className = "nbagent";
  for (const type of ["keydown", "keypress", "keyup"]) {
    // A key typed here is for the transcript: Jupyter's command mode must not see it.
    root.addEventListener(type, (event) => event.stopPropagation());
  }
  el.append(root);
  const showTwin = effect(() => {
    if (!session.present.value) return;
    root.dataset.nbagentLive = session.mark;
    const show = hideTwin(session.mark);
    return () => {
      delete root.dataset.nbagentLive;
      show();
    };
  });
  draw(<Transcript session={session} />, root);
  const letMove = keepStill(root);
  const close = () => {
    letMove();
    showTwin();
    draw(null, root);
    root.remove();
    if (views.get(el) === close) views.delete(el);
  };
  views.set(el, close);
  return close;
}

export default { initialize, render };
