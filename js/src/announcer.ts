/** Says in words what changed, for those who listen: states only, never tokens. */

import { type ReadonlySignal, signal } from "@preact/signals";
import { runLabel, toolStateWord } from "./status";
import { type Change, type Store, seconds } from "./store";
import { num, str } from "./values";

export class Announcer {
  readonly #text = signal("");
  readonly text: ReadonlySignal<string> = this.#text;
  readonly dispose: () => void;

  constructor(store: Store) {
    this.dispose = store.onChange((changes, whole) => {
      const said = changes.map((change) => announce(change, whole)).filter((text) => text !== null);
      if (said.length > 0) this.say(said.join(". "));
    });
  }

  say(text: string): void {
    this.#text.value = text;
  }
}

/** The words for a change, or null if it needs none. A snapshot (`whole`) is the past: only the run's own state counts. */
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
