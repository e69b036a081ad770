/** What all ways to answer have: their props, and the field of a reason. */

import type { Answer } from "../answers";
import type { Block } from "../store";

/** Characters of a reason that the kernel takes (nbagent/protocol/messages.py). */
const REASON_CHARS = 10_000;

export interface WayProps {
  block: Block<"approval">;
  answer: (answer: Answer) => void;
}

interface ReasonFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  focusOnce: (element: HTMLElement | null) => void;
}

export function ReasonField({ label, value, onChange, focusOnce }: ReasonFieldProps) {
  return (
    <label class="nb-control">
      <span class="nb-caption">{label}</span>
      <input
        ref={focusOnce}
        class="nb-input"
        type="text"
        placeholder="optional"
        maxLength={REASON_CHARS}
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  );
}
