/**
 * Widgets of a notebook that was closed and opened again, while its kernel lived on.
 *
 * JupyterLab has a widget manager for each kernel, and forgets it with its notebook. Where another
 * extension has asked for the manager, as that of `panel` does, nothing forgets it: the notebook
 * that is opened again gets the manager of the closed one, whose connection to the kernel is
 * disposed, and no widget in it works (https://github.com/holoviz/pyviz_comms/issues/124).
 *
 * The manager is then bound to the open notebook as its constructor binds one, and each model gets
 * a comm on the new connection. This needs private parts of ipywidgets 8; where one is missing,
 * nothing is changed and the reader is told to reload the page.
 * https://github.com/jupyter-widgets/ipywidgets/blob/main/python/jupyterlab_widgets/src/manager.ts
 */

// biome-ignore-all lint/suspicious/noExplicitAny: private parts of ipywidgets

/**
 * Event of a widget's model: its new connection to the kernel, or why it has none (`LossReason`).
 */
export const CONNECTION = "nbagent:connection";

/** Time in which a view must stand in the open notebook. */
const PLACING_TIMEOUT_MS = 5000;
const METHODS =
  "_create_comm _handleKernelChanged _handleKernelStatusChange " +
  "_handleKernelConnectionStatusChange restoreWidgets";

/** Managers that are being bound. */
const busy = new WeakSet<object>();

/** Return true if the notebook that the manager belongs to was closed. */
export function wasClosed(manager: any): boolean {
  return manager?.context?.isDisposed === true;
}

/**
 * Connect the widgets of a manager whose notebook was closed to the kernel of the notebook that
 * shows them now.
 */
export async function reconnect(manager: any): Promise<void> {
  if (busy.has(manager)) return;
  busy.add(manager);
  const models: any[] = manager._modelsSync instanceof Map ? [...manager._modelsSync.values()] : [];
  try {
    const context = await within(
      PLACING_TIMEOUT_MS,
      Promise.any(models.flatMap(viewsOf).map(contextOf)),
    );
    await context.sessionContext.ready;
    const { kernel } = context.sessionContext.session;
    if (METHODS.split(" ").some((name) => typeof manager[name] !== "function"))
      throw new Error("another ipywidgets");
    bind(manager, context);
    await Promise.all(models.map((model) => connect(manager, model, kernel)));
    manager.restoreWidgets(context.model, { loadKernel: true, loadNotebook: false });
    // A kernel that is busy answers late, and Stop must not wait for it.
    const { content } = await kernel.requestCommInfo({ target_name: manager.comm_target_name });
    for (const model of models.filter((model) => !content.comms[model.model_id])) {
      model.comm_live = false;
      model.trigger(CONNECTION, "restarted");
    }
  } catch {
    if (wasClosed(manager)) for (const model of models) model.trigger(CONNECTION, "unreachable");
  } finally {
    busy.delete(manager);
  }
}

function viewsOf({ views }: any): Promise<any>[] {
  return Object.values(views ?? {});
}

/** Context of the open notebook that a view is in. */
async function contextOf(promise: Promise<any>): Promise<any> {
  const view = await promise;
  await view.displayed;
  for (let widget = view.luminoWidget; widget; widget = widget.parent) {
    if (widget.context?.sessionContext && !widget.context.isDisposed) return widget.context;
  }
  throw new Error("the view is in no open notebook");
}

/** Do what the constructor of ipywidgets' `WidgetManager` does. */
function bind(manager: any, context: any): void {
  const { sessionContext, saveState } = context;
  const on = (signal: any, handle: (value: any) => void) =>
    signal.connect((_: unknown, value: any) => handle(value));
  manager._context = context;
  on(sessionContext.kernelChanged, (change) => manager._handleKernelChanged(change));
  on(sessionContext.statusChanged, (status) => manager._handleKernelStatusChange(status));
  on(sessionContext.connectionStatusChanged, (status) =>
    manager._handleKernelConnectionStatusChange(status),
  );
  on(saveState, (state) => {
    if (state === "started" && manager._settings?.saveState) manager._saveState();
  });
  manager._handleKernelChanged({
    name: "kernel",
    oldValue: null,
    newValue: sessionContext.session.kernel,
  });
}

/**
 * Do what ipywidgets' `WidgetModel.initialize` does with a comm. Nothing is sent: the kernel's end
 * of it is open.
 */
async function connect(manager: any, model: any, kernel: any): Promise<void> {
  if (!kernel.hasComm(model.model_id)) {
    const comm = await manager._create_comm(manager.comm_target_name, model.model_id);
    comm.on_close(model._handle_comm_closed.bind(model));
    comm.on_msg(model._handle_comm_msg.bind(model));
    model.comm = comm;
    model.comm_live = true;
    // The answers to what was sent on the old connection never come.
    model._pending_msgs = 0;
  }
  model.trigger(CONNECTION, kernel);
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error("too late")), ms),
  );
  return Promise.race([promise, late]);
}
