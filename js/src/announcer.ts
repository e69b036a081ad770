/** Announcements for screen readers: changes of state only, never tokens. */

import { type ReadonlySignal, signal } from "@preact/signals";
import {
  decisionLabel,
  elapsed,
  promptLabel,
  runLabel,
  toolStateLabel,
  waitingLabel,
} from "./status";
import { type Block, type Change, isKind, type Store } from "./store";
import { openLiveRegion, readOut } from "./ui/live-region";
import { lookUp, type PropsOf, str } from "./values";

export class Announcer {
  readonly #text = signal("");
  readonly #stopListening: () => void;
  #views = 0;
  /** The last announcement. */
  readonly text: ReadonlySignal<string> = this.#text;

  constructor(store: Store) {
    this.#stopListening = store.onChange((changes, whole) => {
      const texts = announcements(changes, whole, store.run.peek()?.props.peek());
      if (texts.length > 0) this.announce(texts.join(". "));
    });
  }

  /** Announce a text while the run has a view: once, however many views there are. */
  announce(text: string): void {
    this.#text.value = text;
    if (this.#views > 0) readOut(text);
  }

  /** Count one more view, until the returned function is called. */
  attach(): () => void {
    const closeRegion = openLiveRegion();
    this.#views += 1;
    return () => {
      this.#views -= 1;
      closeRegion();
    };
  }

  dispose(): void {
    this.#stopListening();
  }
}

/**
 * Return the texts for a batch: of one that ends the run, the errors and, last, the end; what else
 * happened is over by then.
 */
export function announcements(
  changes: readonly Change[],
  whole: boolean,
  run: PropsOf<"run"> = {},
): string[] {
  const isEnd = ({ block }: Change) => isKind(block, "run") && block.closed.peek();
  const end = changes.find(isEnd);
  const announced =
    end === undefined ? changes : [...changes.filter(({ block }) => isKind(block, "error")), end];
  return announced
    .map((change) => announcement(change, whole, run))
    .filter((text) => text !== null);
}

/**
 * Return the text for a change, or null if it needs none. A snapshot (`whole`) is the past: only
 * the run's own state counts.
 */
export function announcement(
  { block, before }: Change,
  whole: boolean,
  run: PropsOf<"run"> = {},
): string | null {
  if (isKind(block, "run")) {
    const props = block.props.peek();
    const status = str(props.status) ?? "running";
    if (before !== null && before.status === status) return null;
    if (status === "running") return whole ? null : "Running";
    return runLabel(props, elapsed(props), false).text;
  }
  if (whole) return null;
  if (isKind(block, "tool")) {
    const { state: value, name } = block.props.peek();
    const state = str(value) ?? "";
    if (before !== null && before.state === state) return null;
    const starts = before === null && state === "input-streaming";
    const what = starts ? "started" : toolStateLabel(state, block.closed.peek());
    return `Tool ${str(name) ?? ""} ${what}`;
  }
  if (isKind(block, "approval")) return questionText(block, before);
  if (before !== null) return null;
  if (isKind(block, "prompt")) return waitingLabel(run, null, true);
  if (isKind(block, "reasoning")) return "Thinking";
  return isKind(block, "error") ? `Error: ${str(block.props.peek().message) ?? ""}` : null;
}

/** A question, the decision, or why an answer was not taken. */
function questionText(block: Block<"approval">, before: PropsOf | null): string | null {
  const props = block.props.peek();
  const decision = decisionLabel(props);
  if (decision !== null) return before !== null && before.decision === undefined ? decision : null;
  if (before === null) {
    if (props.approval_kind === "stop") return promptLabel(props);
    const wanted = lookUp(WAITING, str(props.approval_kind) ?? "") ?? "Your approval is needed";
    const prompt = str(props.prompt);
    return prompt === null ? wanted : `${wanted}: ${prompt}`;
  }
  const problem = str(props.problem);
  return problem !== null && before.problem !== problem ? `Not accepted: ${problem}` : null;
}

const WAITING: Readonly<Record<string, string>> = {
  input: "Your input is needed",
  auth: "Your sign-in is needed",
};
