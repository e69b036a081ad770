/**
 * Entry point of the front end: a session per widget model, a view per output. A page evaluates it
 * once (see loader.ts).
 */

import type { AnyModel, InitializeProps, RenderProps } from "@anywidget/types";
import { computed, effect, signal, untracked } from "@preact/signals";
import { hostOf } from "./host";
import { mount } from "./mount";
import { outputsOf } from "./notebook-outputs";
import type { ViewMessage } from "./protocol";
import { reconnect, wasClosed } from "./reopened";
import { type Model, Session } from "./session";
import { hideStaticCopy, keepCopiesCurrent, restoreOutputs } from "./static-copy";
import { keepUntypeset, typesetterOf } from "./untypeset";
import { str } from "./values";

/**
 * Sessions by DOM key. Not by model: a host passes `render` another model object than `initialize`.
 */
const sessions = new Map<string, Session>();
/** Counter that changes when a session has come. */
const arrivals = signal(0);
const views = new WeakMap<HTMLElement, () => void>();
/** Sessions of which a view was drawn. */
const drawn = new WeakSet<Session>();
/** Functions that end what a session does in the notebook's outputs. */
const keepers = new WeakMap<Session, () => void>();

/**
 * Key of a run, unique in the page: run ids are unique in one kernel only, and a page may show
 * several kernels.
 */
function domKeyOf(model: AnyModel): string {
  return str(model.get("dom_key")) ?? str(model.get("run_id")) ?? "";
}

type Receiver = (message: unknown) => void;

/** @param receivers - filled with the session's message handlers. */
function modelOf(model: AnyModel, receivers: Set<Receiver>): Model {
  const runId = str(model.get("run_id")) ?? "";
  const broadcast = str(model.get("broadcast"));
  // Reaches a kernel in a page while a cell awaits (nbagent/notebook/broadcast.py).
  const kernelInPage = broadcast ? new BroadcastChannel(broadcast) : null;
  return {
    runId,
    domKey: domKeyOf(model),
    host: hostOf(model),
    head: () => model.get("head"),
    mountOther,
    onHead(changed) {
      model.on("change:head", changed);
      return () => model.off("change:head", changed);
    },
    listen(receive) {
      receivers.add(receive);
      model.on("msg:custom", receive);
      return () => model.off("msg:custom", receive);
    },
    send(message: ViewMessage) {
      if (kernelInPage !== null) return kernelInPage.postMessage(JSON.stringify(message));
      try {
        model.send(message);
      } catch {
        // The comm of a dead kernel cannot send. `Host.watch` reports the loss.
      }
    },
  };
}

/**
 * Start the session of a model. Synchronous, because the host gives a model two seconds.
 *
 * @param early - the model's messages so far.
 */
function initialize({
  model,
  early = [],
}: InitializeProps & { early?: readonly unknown[] }): () => void {
  const receivers = new Set<Receiver>();
  const session = new Session(modelOf(model, receivers));
  // A notebook keeps the models of a kernel that is gone; a cell that is executed again replaces
  // them.
  const replaced = sessions.get(session.domKey);
  if (replaced) dispose(replaced);
  sessions.set(session.domKey, session);
  arrivals.value += 1;
  for (const message of early) for (const receive of receivers) receive(message);
  const isNew = model.get("from_start") === true;
  session.start(isNew);
  const notebook = outputsOf(model);
  if (notebook !== null) {
    const stopKeeping = keepCopiesCurrent(session, notebook);
    const stopRestoring = isNew
      ? restoreOutputs(session, notebook, () => drawn.has(session))
      : () => {};
    keepers.set(session, () => {
      stopKeeping();
      stopRestoring();
    });
  }
  return () => {
    dispose(session);
    if (sessions.get(session.domKey) === session) sessions.delete(session.domKey);
  };
}

/**
 * Draw the view of another model into an element, once the model is there: that of an open row of a
 * map.
 */
function mountOther(domKey: string, el: HTMLElement): () => void {
  const session = computed(() => arrivals.value >= 0 && sessions.get(domKey));
  return effect(() => {
    const shown = session.value;
    if (!shown) return;
    drawn.add(shown);
    return untracked(() => mount(shown, el)).unmount;
  });
}

function dispose(session: Session): void {
  keepers.get(session)?.();
  session.dispose();
}

function render({ model, el }: RenderProps): () => void {
  const session = sessions.get(domKeyOf(model));
  if (session === undefined)
    throw new Error("nbagent: this view's model was never initialized or is already closed");
  views.get(el)?.();
  drawn.add(session);
  const { root, unmount } = mount(session, el);
  const showStaticCopy = effect(() => {
    if (!session.present.value) return;
    root.dataset.nbagentLive = session.domKey;
    const show = hideStaticCopy(session.domKey);
    const typeset = keepUntypeset(root, session.domKey, typesetterOf(model));
    return () => {
      delete root.dataset.nbagentLive;
      show();
      typeset();
    };
  });
  const close = () => {
    showStaticCopy();
    unmount();
    if (views.get(el) === close) views.delete(el);
  };
  views.set(el, close);
  if (wasClosed(model.widget_manager)) reconnect(model.widget_manager);
  return close;
}

export default { initialize, render };
