/**
 * Outputs of the notebook that is open in JupyterLab or Notebook 7, reached by way of the widget's
 * manager. Other applications give no access to them; there the notebook has no outputs, and
 * `outputsOf` returns null.
 * https://jupyterlab.readthedocs.io/en/stable/api/interfaces/outputarea.IOutputAreaModel.html
 */

import type { AnyModel } from "@anywidget/types";
import { type JsonObject, record, str } from "./values";

interface Output {
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

interface OutputList {
  readonly length: number;
  get(index: number): Output;
  set(index: number, output: JsonObject): void;
  add(output: JsonObject): void;
}

interface Manager {
  context?: {
    isDisposed?: boolean;
    model?: {
      cells?: Iterable<{ id?: string; outputs?: OutputList }>;
      collaborative?: boolean;
      /** Its states are those of the pages that have the notebook open, by their ids. */
      sharedModel?: { awareness?: { clientID: number; getStates(): Map<number, unknown> } };
    };
  } | null;
  kernel?: { clientId?: string } | null;
}

/** Stands for every page in the widget's trait `client`. */
const ANY_CLIENT = "*";
const TURN_MS = 3000;

/** Static copy of a run in an output. */
export interface Copy {
  readonly html: string;
  /** The events and blocks that it says it holds. */
  readonly held: JsonObject;
  replace(output: JsonObject): void;
  /** Replace its HTML, and what it says that it holds. */
  change(html: string, held: JsonObject): void;
}

export interface NotebookOutputs {
  /** True if the run was shown by this page, and in a cell. */
  readonly isOwn: boolean;
  /** True if any page may put the run into its cell: a reader's form has made it. */
  readonly isAnyones: boolean;
  /** Return true if an output of the notebook shows the widget of the run with that DOM key. */
  hasView(domKey: string): boolean;
  /** Add outputs to a cell. */
  add(cell: unknown, outputs: readonly JsonObject[]): void;
  /** Static copies of the run with that DOM key. */
  copies(domKey: string): Copy[];
  /**
   * Return true if this page may change the notebook: another page that shows it as well would have
   * a conflict when it is saved, so a page changes a run that it has not shown only while its
   * reader looks at it.
   */
  mayChange(): boolean;
  /**
   * Time to wait before this page changes the notebook, in milliseconds. In a collaboration each
   * page has a turn, and the one that has shown the run is the first: two that replace an output at
   * the same time leave it there twice.
   */
  pause(): number;
}

/** Outputs of the notebook that the widget belongs to; null if they cannot be reached. */
export function outputsOf(model: AnyModel): NotebookOutputs | null {
  const manager = model.widget_manager as unknown as Manager | undefined;
  const cells = () => (manager?.context?.isDisposed ? undefined : manager?.context?.model?.cells);
  if (typeof cells()?.[Symbol.iterator] !== "function") return null;
  const client = str(model.get("client"));
  const isOwn = client !== null && client === manager?.kernel?.clientId;

  function* outputs(): Generator<[OutputList, number, Output]> {
    for (const { outputs } of cells() ?? []) {
      for (let index = 0; index < (outputs?.length ?? 0); index += 1) {
        if (outputs) yield [outputs, index, outputs.get(index)];
      }
    }
  }

  return {
    isOwn,
    isAnyones: client === ANY_CLIENT,
    hasView: (domKey) =>
      [...outputs()].some(([, , { metadata }]) => record(metadata.nbagent)?.view === domKey),
    add(cell, added) {
      for (const { id, outputs } of cells() ?? []) {
        if (id === cell) for (const output of added) outputs?.add(output);
      }
    },
    copies(domKey) {
      const mark = `data-nbagent-twin=${JSON.stringify(domKey)}`;
      return [...outputs()]
        .filter(([, , { data }]) => String(data["text/html"] ?? "").includes(mark))
        .map(([list, index, { data, metadata }]) => ({
          html: String(data["text/html"]),
          held: record(metadata.nbagent) ?? {},
          replace: (output) => list.set(index, output),
          change: (html, held) =>
            list.set(index, {
              output_type: "display_data",
              data: { ...data, "text/html": html },
              metadata: { ...metadata, nbagent: held },
            }),
        }));
    },
    mayChange: () => isOwn || document.visibilityState === "visible",
    pause() {
      const { collaborative, sharedModel } = manager?.context?.model ?? {};
      const awareness = sharedModel?.awareness;
      if (isOwn || !collaborative || !awareness) return 0;
      const earlier = [...awareness.getStates().keys()].filter((page) => page < awareness.clientID);
      // A page may not know yet of another one.
      return (1 + earlier.length) * TURN_MS + (Math.random() * TURN_MS) / 2;
    },
  };
}
