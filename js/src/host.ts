/**
 * Kernel connection of the application that shows the notebook. JupyterLab, Notebook 7 and Voilà
 * give a widget its manager, and the manager has the connection. Without a manager, a dead kernel
 * is noticed by its silence only.
 * https://jupyterlab.readthedocs.io/en/stable/api/interfaces/services.Kernel.IKernelConnection.html
 */

import type { AnyModel } from "@anywidget/types";
import type { LossReason } from "./kernel-liveness";
import type { LazyModule, ModuleName } from "./modules";
import { CONNECTION, wasClosed } from "./reopened";

interface Signal {
  connect(slot: (sender: unknown, value: unknown) => void): unknown;
  disconnect(slot: (sender: unknown, value: unknown) => void): unknown;
}

interface Kernel {
  statusChanged: Signal;
  connectionStatusChanged: Signal;
  disposed: Signal;
  interrupt(): Promise<void>;
}

export interface KernelEvents {
  gone(loss: LossReason): void;
  /** The connection to the kernel was lost and is back. */
  back(): void;
  /** There is another connection to the kernel, after the loss of the first. */
  reconnected(): void;
  /** The kernel has begun or ended some work: its messages reach the page. */
  active(): void;
}

/**
 * Program that the run is in: a notebook's kernel, or a server that a page of its own is connected
 * to.
 */
export type Peer = "kernel" | "server";

export interface Host {
  readonly peer: Peer;
  /** True if the reader may only watch: neither stop nor answer. */
  readonly onlyWatches?: boolean;
  /** Function that imports a file of the front end; null if the kernel is asked for its text. */
  readonly importModule: ((name: ModuleName) => Promise<LazyModule>) | null;
  /** Function that interrupts the kernel; null if the application offers none. */
  interrupt: (() => Promise<void>) | null;
  /** Call back on events of the kernel, until the returned function is called. */
  watch(events: KernelEvents): () => void;
}

export function hostOf(model: AnyModel): Host {
  const manager = model.widget_manager as { kernel?: Kernel | null } | undefined;
  let kernel = manager?.kernel;
  return {
    peer: "kernel",
    importModule: null,
    interrupt: kernel ? async () => kernel?.interrupt() : null,
    watch({ gone, back, reconnected, active }) {
      const status = (_: unknown, value: unknown) => {
        if (value === "dead") gone("gone");
        else if (value === "restarting" || value === "autorestarting") gone("restarted");
        else if (value === "busy" || value === "idle") active();
      };
      const connection = (_: unknown, value: unknown) => {
        if (value === "connected") back();
      };
      const closed = () => gone(wasClosed(manager) ? "closed" : "gone");
      const follow = (next: typeof kernel) => {
        kernel?.statusChanged.disconnect(status);
        kernel?.connectionStatusChanged.disconnect(connection);
        kernel?.disposed.disconnect(closed);
        kernel = next;
        kernel?.statusChanged.connect(status);
        kernel?.connectionStatusChanged.connect(connection);
        kernel?.disposed.connect(closed);
      };
      const moved = (next: Kernel | LossReason) => {
        if (typeof next === "string") return gone(next);
        follow(next);
        reconnected();
      };
      follow(kernel);
      model.on("comm:close", closed);
      model.on(CONNECTION, moved);
      // A notebook that was opened without a kernel.
      if (kernel === null) closed();
      return () => {
        follow(null);
        model.off("comm:close", closed);
        model.off(CONNECTION, moved);
      };
    },
  };
}
