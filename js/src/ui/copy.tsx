/** Button that copies a text and shows whether it did. */

import { useEffect, useState } from "preact/hooks";
import { readable } from "../readable";
import { Icon } from "./icons";

const FEEDBACK_MS = 1500;

interface CopyButtonProps {
  text: () => string | Promise<string>;
  label?: string;
  /** Name of the copied thing, for those who hear the label: ` answer`. */
  of?: string;
  title?: string;
  /** True for a button that is its icon until it was pressed. */
  bare?: boolean;
}

export function CopyButton({
  text,
  label = "Copy",
  of = "",
  title,
  bare = false,
}: CopyButtonProps) {
  const [feedback, setFeedback] = useState<string | null>(null);
  useEffect(() => {
    if (feedback === null) return;
    const timer = setTimeout(() => setFeedback(null), FEEDBACK_MS);
    return () => clearTimeout(timer);
  }, [feedback]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(readable(await text()));
      setFeedback("Copied");
    } catch {
      setFeedback("Not allowed to copy here");
    }
  };
  return (
    <button
      type="button"
      class={bare ? "nb-button nb-bare" : "nb-button"}
      title={title}
      onClick={copy}
    >
      <Icon name={feedback === "Copied" ? "check" : "copy"} />
      <span aria-live="polite" class={bare && feedback === null ? "nb-sr" : undefined}>
        {feedback ?? label}
        {feedback === null && <span class="nb-sr">{of}</span>}
      </span>
    </button>
  );
}
