/** A button that copies a text and says so. */

import { useEffect, useState } from "preact/hooks";
import { readable } from "../readable";
import { Icon } from "./icons";

const SAID_MS = 1500;

export function CopyButton({ text, label = "Copy" }: { text: () => string | Promise<string>; label?: string }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(readable(await text()));
      setSaid("Copied");
    } catch {
      setSaid("Not allowed to copy here");
    }
  };
  return (
    <button type="button" class="nb-button" onClick={copy}>
      <Icon name={said === "Copied" ? "check" : "copy"} />
      <span aria-live="polite">{said ?? label}</span>
    </button>
  );
}
