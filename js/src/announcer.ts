/** Says in words what changed, for screen readers: states only, never tokens. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { runLabel, toolStateWord } from "./status";
import { type Change, type Store, seconds } from "./store";
import { openLiveRegion, readOut } from "./ui/live-region";
import { num, str } from "./values";

export class Announcer {
  readonly #text = signal("");
  readonly #stopListening: () => void;
  #views = 0;
  /** Words that were announced last. */
  readonly text: ReadonlySignal<string> = this.#text;

  constructor(store: Store) {
    this.#stopListening = store.onChange((changes, whole) => {
      const words = changes.map((change) => announce(change, whole)).filter((text) => text !== null);
      if (words.length > 0) this.say(words.join(". "));
    });
  }

  /** Announce to those who have a view of the run: once, however many views there are. */
  say(text: string): void {
    this.#text.value = text;
    if (this.#views > 0) readOut(text);
  }

  /** Read out from now on, for one more view; until the returned function is called. */
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

/** Return the words for a change, or null if it needs none. A snapshot (`whole`) is the past: only the run's own state counts. */
export function announce({ block, before }: Change, whole: boolean): string | null {
  const props = block.props.peek();
  if (block.kind === "run") {
    const status = str(props.status) ?? "running";
    if (before !== null && before.status === status) return null;
    if (status === "running") return whole ? null : "Running";
    return runLabel(props, seconds(props, num(props.ended) ?? 0), false).text;
  }
  if (whole) return null;
  if (block.kind === "reasoning") return before === null ? "Thinking" : null;
  if (block.kind === "tool") {
    const state = str(props.state) ?? "";
    if (before !== null && before.state === state) return null;
    const starts = before === null && state === "input-streaming";
    return `Tool ${str(props.name) ?? ""} ${starts ? "started" : toolStateWord(state)}`;
  }
  if (block.kind === "approval" && before === null) return "Your approval is needed";
  if (block.kind === "error" && before === null) return `Error: ${str(props.message) ?? ""}`;
  return null;
}
