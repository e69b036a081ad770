/** Button that copies a text and shows whether it did. */

import { useEffect, useState } from "preact/hooks";
import { readable } from "../readable";
import { Icon } from "./icons";

const FEEDBACK_MS = 1500;

export function CopyButton({ text, label = "Copy" }: { text: () => string | Promise<string>; label?: string }) {
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
    <button type="button" class="nb-button" onClick={copy}>
      <Icon name={feedback === "Copied" ? "check" : "copy"} />
      <span aria-live="polite">{feedback ?? label}</span>
    </button>
  );
}
