/**
 * Static copy of a run in the saved notebook: hidden while a live view of the run is in the page,
 * and kept current.
 *
 * The kernel sends each copy once, by a display id. Jupyter's server drops it beside a flood of
 * prints, and JupyterLab forgets the id when the page is loaded again, the notebook is reopened or
 * the cell is moved. So a copy says how many events it holds, and the run how many the latest copy
 * holds (nbagent/notebook/static_copy.py). The kernel says so after it has sent the copy, except the
 * last one, which holds all. Where the copy is not in the notebook then, the view reads it from the
 * kernel and puts it there. A kernel that is gone sends no more copies: the view then adds what it
 * alone has.
 */

import { computed, effect } from "@preact/signals";
import { completed } from "./copy-end";
import type { NotebookOutputs } from "./notebook-outputs";
import type { Session } from "./session";
import { isLive } from "./status";
import { type JsonObject, num, record } from "./values";

/** Time from the end of a run in which its last copy arrives. */
const LAST_COPY_TIMEOUT_MS = 4000;
/** Time after which a copy that could not be read is asked for again; twice as long each time. */
const RETRY_MS = 3000;
const MAX_RETRY_MS = 60_000;
/** Time in which the outputs of a new widget arrive. */
const OUTPUT_TIMEOUT_MS = 4000;
const MAX_TRIES = 3;

/**
 * Hide a run's static copy wherever it is in the page, or will be.
 *
 * @param domKey - value of the copy's attribute `data-nbagent-twin`, set by the kernel.
 * @returns a function that shows the copy again.
 */
export function hideStaticCopy(domKey: string): () => void {
  const copy = `[data-nbagent-twin=${JSON.stringify(domKey)}]`;
  const output = ".jp-OutputArea-child";
  const style = document.createElement("style");
  // With the space that JupyterLab makes for an output: the innermost, since an `ipywidgets.Output`
  // is an output with outputs.
  style.textContent = `${copy}, ${output}:has(${copy}):not(:has(${output} ${copy})) { display: none }`;
  document.head.append(style);
  return () => style.remove();
}

/**
 * Put each static copy of a run that was lost into the notebook, and what is missing in it when the
 * kernel is gone.
 *
 * @returns a function that ends it.
 */
export function keepCopiesCurrent(session: Session, notebook: NotebookOutputs): () => void {
  const copied = computed(() => num(session.runProps.copied) ?? 0);
  /** Number of events that the latest copy holds. */
  const events = computed(() => {
    if (isLive(session.status)) return copied.value;
    return Math.max(copied.value, num(session.runProps.events) ?? 0);
  });
  const isGone = computed(() => session.kernel.state.value === "gone");
  const lost = () =>
    notebook.copies(session.domKey).filter(({ held }) => (num(held.events) ?? 0) < events.peek());
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isReading = false;
  let disposed = false;
  const later = (task: () => void, pause: number) => {
    clearTimeout(timer);
    timer = setTimeout(task, pause);
  };
  const check = async (pause = RETRY_MS) => {
    if (isReading || disposed || isGone.peek() || !notebook.mayChange() || lost().length === 0)
      return;
    isReading = true;
    const copy = await read(session, `static-copy/${events.peek()}`).catch(() => null);
    isReading = false;
    if (disposed) return;
    // The outputs may have changed meanwhile.
    if (copy?.outputs[0]) for (const output of lost()) output.replace(copy.outputs[0]);
    if (lost().length > 0) later(() => check(Math.min(2 * pause, MAX_RETRY_MS)), pause);
  };
  const complete = () => {
    if (!notebook.mayChange()) return;
    for (const copy of notebook.copies(session.domKey)) {
      const whole = completed(copy, session.store);
      if (whole !== null) copy.change(whole.html, whole.held);
    }
  };
  const look = () => {
    const isOnItsWay = !isGone.peek() && copied.peek() < events.peek();
    const pause = notebook.pause() + (isOnItsWay ? LAST_COPY_TIMEOUT_MS : 0);
    later(isGone.peek() ? complete : check, pause);
  };
  const stop = effect(() => {
    if (isGone.value || events.value > 0) look();
  });
  document.addEventListener("visibilitychange", look);
  return () => {
    stop();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
    disposed = true;
  };
}

/** Read outputs from the kernel, and the id of their cell. */
async function read(
  session: Session,
  name: string,
): Promise<{ cell: unknown; outputs: JsonObject[] }> {
  const { cell, outputs } = record(JSON.parse(await session.channel.lazyValues.whole(name))) ?? {};
  return {
    cell,
    outputs: Array.isArray(outputs) ? outputs.map(record).filter((output) => output !== null) : [],
  };
}

/**
 * Put a new widget into its cell if the server has dropped the outputs that show it.
 *
 * The kernel's answer comes after the outputs that it published before: if they are not there then,
 * they never come.
 *
 * @param isDrawn - true once a view of the widget was drawn anywhere.
 * @returns a function that ends it.
 */
export function restoreOutputs(
  session: Session,
  notebook: NotebookOutputs,
  isDrawn: () => boolean,
): () => void {
  const isShown = () => isDrawn() || notebook.hasView(session.domKey);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const restore = async (tries: number) => {
    if (tries === MAX_TRIES || isShown()) return;
    const { cell, outputs } = await read(session, `outputs/${tries}`);
    if (!isShown()) notebook.add(cell, outputs);
  };
  const wait = (tries: number) => {
    timer = setTimeout(
      () => restore(tries).catch(() => wait(tries + 1)),
      OUTPUT_TIMEOUT_MS + notebook.pause(),
    );
  };
  if (notebook.isOwn || notebook.isAnyones) wait(0);
  return () => clearTimeout(timer);
}
