/**
 * Static copy of a run in the saved notebook: hidden while a live view of the run is in the page, and kept current.
 *
 * The kernel sends each copy once, by a display id. Jupyter's server drops it beside a flood of prints, and JupyterLab forgets
 * the id when the page is loaded again, the notebook is reopened or the cell is moved. So a copy says how many events it holds
 * (nbagent/notebook/static_copy.py). Where that is too few, the view reads the copy from the kernel and puts it into the notebook.
 */

import { computed, effect } from "@preact/signals";
import type { NotebookOutputs } from "./notebook-outputs";
import type { Session } from "./session";
import { isLive } from "./status";
import { type JsonObject, num, record } from "./values";

/** Time between two looks at the copies of a run that goes on. */
const LIVE_CHECK_MS = 10_000;
/** Time that the kernel's last copy has to arrive; then twice as long after each look. */
const END_CHECK_MS = 1500;
const MAX_CHECK_MS = 60_000;
/** The kernel sends a copy each time that a run has gone on three times as long: with five times the events one was lost. */
const LOST_GROWTH = 5;
/** Time from the beginning of a run in which it need not have a copy. */
const FIRST_COPY_MS = 15_000;
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
  // With the space that JupyterLab makes for an output: the innermost, since an `ipywidgets.Output` is an output with outputs.
  style.textContent = `${copy}, ${output}:has(${copy}):not(:has(${output} ${copy})) { display: none }`;
  document.head.append(style);
  return () => style.remove();
}

/**
 * Keep the static copies of a run in the notebook current until they hold the whole run.
 *
 * @returns a function that ends it.
 */
export function keepCopiesCurrent(session: Session, notebook: NotebookOutputs): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = LIVE_CHECK_MS;
  let disposed = false;
  const ended = computed(() => !isLive(session.status));
  const gone = computed(() => session.kernel.state.value === "gone");
  const check = async () => {
    const isCurrent = await refresh(session, notebook).catch(() => false);
    if (disposed || gone.peek() || (ended.peek() && isCurrent)) return;
    if (ended.peek()) wait = Math.min(2 * wait, MAX_CHECK_MS);
    clearTimeout(timer);
    timer = setTimeout(check, wait);
  };
  const stop = effect(() => {
    clearTimeout(timer);
    wait = ended.value ? END_CHECK_MS : LIVE_CHECK_MS;
    if (!gone.value) timer = setTimeout(check, wait);
  });
  return () => {
    stop();
    clearTimeout(timer);
    disposed = true;
  };
}

/** Replace the run's copies that hold too few events. Return true if none does. */
async function refresh(session: Session, notebook: NotebookOutputs): Promise<boolean> {
  const events = num(session.runProps.events);
  if (events === null || !notebook.mayChange()) return false;
  const late = () => notebook.copies(session.domKey).filter((copy) => isLate(copy.events, events, session));
  if (late().length === 0) return true;
  const { outputs } = await read(session, `static-copy/${events}`);
  // The outputs may have changed meanwhile.
  if (outputs[0]) for (const copy of late()) copy.replace(outputs[0]);
  return late().length === 0;
}

/** Read outputs from the kernel, and the id of their cell. */
async function read(session: Session, name: string): Promise<{ cell: unknown; outputs: JsonObject[] }> {
  const { cell, outputs } = record(JSON.parse(await session.channel.lazyValues.whole(name))) ?? {};
  return { cell, outputs: Array.isArray(outputs) ? outputs.map(record).filter((output) => output !== null) : [] };
}

function isLate(held: number, events: number, session: Session): boolean {
  if (!isLive(session.status)) return held < events;
  return Date.now() - 1000 * session.started > FIRST_COPY_MS && events > LOST_GROWTH * held;
}

/**
 * Put a new widget into its cell if the server has dropped the outputs that show it.
 *
 * What the kernel answers comes after the outputs that it has published before: if they are not there then, they never come.
 *
 * @param isDrawn - true once a view of the widget was drawn anywhere.
 * @returns a function that ends it.
 */
export function restoreOutputs(session: Session, notebook: NotebookOutputs, isDrawn: () => boolean): () => void {
  const isShown = () => isDrawn() || notebook.hasView(session.domKey);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const restore = async (tries: number) => {
    if (tries === MAX_TRIES || isShown()) return;
    const { cell, outputs } = await read(session, `outputs/${tries}`);
    if (!isShown()) notebook.add(cell, outputs);
  };
  const wait = (tries: number) => {
    timer = setTimeout(() => restore(tries).catch(() => wait(tries + 1)), OUTPUT_TIMEOUT_MS);
  };
  if (notebook.isOwn) wait(0);
  return () => clearTimeout(timer);
}
