/**
 * Parts of ways to answer that open further controls: the mode that is open, a line of text, a
 * button that sends nothing.
 */

import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import type { Block } from "../store";
import { useDraft } from "./answer-box";

/** Characters of a reason that the kernel takes (nbagent/protocol/messages.py). */
const REASON_CHARS = 10_000;

/**
 * Return the mode of a question's controls, which outlives their panel, and what goes into another.
 *
 * @param first - the mode that all others are opened from, and left to.
 */
export function useMode<Mode extends string>(block: Block<"approval">, first: Mode) {
  const [mode, setMode] = useDraft<Mode>(block, "mode", first);
  const openers = useRef(new Map<Mode, RefObject<HTMLButtonElement | null>>()).current;
  // A panel that is opened again shows the mode that it had, without taking the focus.
  const entered = useRef(false);
  const opener = (of: Mode): RefObject<HTMLButtonElement | null> => {
    const made = openers.get(of) ?? { current: null };
    openers.set(of, made);
    return made;
  };
  return {
    mode,
    /** Ref of the button that opens a mode. */
    opener,
    enter(next: Mode) {
      entered.current = true;
      setMode(next);
    },
    leave() {
      setMode(first);
      // The button that was pressed before is back with the next drawing.
      requestAnimationFrame(() => opener(mode).current?.focus());
    },
    /** Give the first control of a mode the focus, once. */
    focusOnce(element: HTMLElement | null) {
      if (entered.current) element?.focus();
      entered.current = false;
    },
  };
}

interface LineProps {
  label: string;
  text: string;
  onText: (text: string) => void;
  focusOnce: (element: HTMLElement | null) => void;
}

export function Line({ label, text, onText, focusOnce }: LineProps) {
  return (
    <label class="nb-control">
      <span class="nb-caption">{label}</span>
      <input
        ref={focusOnce}
        class="nb-input"
        type="text"
        placeholder="optional"
        maxLength={REASON_CHARS}
        value={text}
        onInput={({ currentTarget }) => onText(currentTarget.value)}
      />
    </label>
  );
}

interface PlainProps {
  label: string;
  title?: string;
  button?: RefObject<HTMLButtonElement | null>;
  onClick: () => void;
}

export function Plain({ label, title, button, onClick }: PlainProps) {
  return (
    <button ref={button} type="button" class="nb-button" title={title} onClick={onClick}>
      {label}
    </button>
  );
}
