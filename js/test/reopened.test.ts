/**
 * A notebook that was closed and is open again: its widgets are connected to the kernel that lived
 * on.
 */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CONNECTION, reconnect, wasClosed } from "../src/reopened";
import type { LocalModel } from "./preview/model.js";
import { open, ownClock, type Page, RUN, settle } from "./support";

function signal() {
  const slots: ((sender: unknown, value?: unknown) => void)[] = [];
  return {
    connect: (slot: (typeof slots)[0]) => slots.push(slot),
    disconnect: (slot: (typeof slots)[0]) => slots.splice(slots.indexOf(slot), 1),
    emit: (value?: unknown) => {
      for (const slot of [...slots]) slot(null, value);
    },
  };
}

/** A connection to a kernel that has comms with these ids. */
function connection(...known: string[]) {
  const comms = Object.fromEntries(known.map((id) => [id, {}]));
  return {
    statusChanged: signal(),
    connectionStatusChanged: signal(),
    disposed: signal(),
    interrupt: vi.fn(async () => {}),
    hasComm: () => false,
    requestCommInfo: async () => ({ content: { comms } }),
  };
}

/** The open document of a notebook. */
function notebook(kernel: ReturnType<typeof connection>) {
  const sessionContext = {
    ready: Promise.resolve(),
    session: { kernel },
    kernelChanged: signal(),
    statusChanged: signal(),
    connectionStatusChanged: signal(),
  };
  return { isDisposed: false, sessionContext, saveState: signal(), model: {} };
}

/** The widget manager of ipywidgets 8, with the parts that are used. */
class Manager {
  comm_target_name = "jupyter.widget";
  _modelsSync = new Map<string, unknown>();
  _settings = { saveState: true };
  _handleKernelChanged = vi.fn();
  _handleKernelStatusChange = vi.fn();
  _handleKernelConnectionStatusChange = vi.fn();
  _saveState = vi.fn();
  restoreWidgets = vi.fn();
  _create_comm = vi.fn(async () => ({ on_close: vi.fn(), on_msg: vi.fn() }));

  constructor(public _context: ReturnType<typeof notebook>) {}

  get context() {
    return this._context;
  }

  get kernel() {
    return this._context.isDisposed ? null : this._context.sessionContext.session.kernel;
  }
}

/** Give a model of the page the parts that ipywidgets' models have. */
function register(manager: Manager, model: LocalModel, parent: unknown) {
  const view = { displayed: Promise.resolve(), luminoWidget: { parent } };
  const parts = { model_id: "id", views: { view: Promise.resolve(view) }, _pending_msgs: 1 };
  const handlers = { _handle_comm_closed() {}, _handle_comm_msg() {} };
  manager._modelsSync.set("id", Object.assign(model, parts, handlers));
}

const status = () => page.el.querySelector(".nb-status")?.textContent;
let page: Page;
let manager: Manager;
let first: ReturnType<typeof connection>;

ownClock();
beforeEach(() => {
  first = connection();
  manager = new Manager(notebook(first));
  page = open(undefined, manager);
  page.ops(RUN, ["open", "t", "run", { kind: "text", text: "half" }]);
  manager._context.isDisposed = true;
  first.disposed.emit();
});
afterEach(() => page.close());

it("a notebook counts as closed by its manager's document only", () => {
  expect(wasClosed(manager)).toBe(true);
  expect([undefined, {}, { context: null }, new Manager(notebook(first))].map(wasClosed)).toEqual(
    Array(4).fill(false),
  );
});

describe("the widgets of a notebook that is opened again", () => {
  it("get a comm on the new connection, and the view what has come meanwhile", async () => {
    const second = connection("id");
    const reopened = notebook(second);
    register(manager, page.model, { parent: { context: reopened } });
    await settle();
    expect(status()).toBe("Connecting to the kernel again…");
    const asked = page.sent("hello").length;
    page.view();
    await settle();
    expect(manager.context).toBe(reopened);
    expect(manager._create_comm.mock.calls).toEqual([["jupyter.widget", "id"]]);
    expect(manager._handleKernelChanged.mock.lastCall).toEqual([
      { name: "kernel", oldValue: null, newValue: second },
    ]);
    expect(page.sent("hello")).toHaveLength(asked + 1);
    page.snapshot([{ id: "run", kind: "run", status: "running" }], 9);
    await settle();
    expect(status()).toBeUndefined();
    reopened.saveState.emit("started");
    expect(manager._saveState).toHaveBeenCalledOnce();
    second.statusChanged.emit("dead");
    await settle();
    expect(status()).toBe("The kernel is gone; this is what had come");
  });

  it("are told that the kernel was restarted meanwhile", async () => {
    register(manager, page.model, { context: notebook(connection("another")) });
    page.view();
    await settle();
    expect(status()).toBe("The kernel was restarted; this is what had come");
  });

  it.each([
    [
      "the views are in no open notebook",
      () => register(manager, page.model, { context: manager.context }),
    ],
    ["there is no view", () => manager._modelsSync.set("id", page.model)],
    [
      "ipywidgets has other private parts",
      () => {
        register(manager, page.model, { context: notebook(connection("id")) });
        Reflect.deleteProperty(manager, "_create_comm");
      },
    ],
  ])("are told to reload the page if %s", async (_, prepare) => {
    const { _context: closed } = manager;
    prepare();
    page.view();
    await settle(10_000);
    expect(status()).toBe(
      "This view lost its kernel when the notebook was closed. Reload the page.",
    );
    expect(page.el.textContent).toContain("half");
    expect(manager._context).toBe(closed);
  });

  it("are connected once, however many views are drawn", async () => {
    register(manager, page.model, { context: notebook(connection("id")) });
    const moved = vi.fn();
    page.model.on(CONNECTION, moved);
    await Promise.all([reconnect(manager), reconnect(manager)]);
    page.view();
    await settle();
    expect(moved).toHaveBeenCalledOnce();
  });
});
