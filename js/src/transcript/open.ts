/** The open state of a panel: the reader's choice, else open while it is active, and until it can be folded unnoticed. */

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Block, isKind } from "../store";
import { foldQuietly } from "../ui/quiet-fold";
import { str } from "../values";
import { useSession } from "./context";

/** Time for which a panel that opened by itself stays open after its end, at least. */
export const LINGER_MS = 1000;

/** State of a panel: props of `Disclosure`. */
export interface Opening {
  open: boolean;
  /** Sets the reader's choice. */
  onToggle: (open: boolean) => void;
  panel: RefObject<HTMLDivElement | null>;
}

/**
 * Return the state of a block's panel.
 *
 * @param active - the block streams, failed or waits for the reader.
 * @param byDefault - the panel stays open.
 */
export function useOpen(block: Block, active: boolean, byDefault = false): Opening {
  const session = useSession();
  const panel = useRef<HTMLDivElement>(null);
  const chosen = panelChoice(block, session.runProps.panels);
  const held = useLinger(active || byDefault, panel);
  const open = block.userOpen.value ?? chosen ?? held;
  return { open, onToggle: (wanted) => session.toggle(block, wanted), panel };
}

/** Names of kinds of panels, as `show(panels=…)` takes them. */
const PANELS: Readonly<Record<string, string>> = { reasoning: "thinking", tool: "tools", agent: "agents" };
const NEEDS_READER: ReadonlySet<string> = new Set(["approval-requested", "output-error"]);

/** Return true if the run's own setting opens a panel; null if it says nothing. */
function panelChoice(block: Block, panels: unknown): boolean | null {
  const name = PANELS[block.kind];
  if (!Array.isArray(panels) || name === undefined) return null;
  if (isKind(block, "tool") && NEEDS_READER.has(str(block.props.value.state) ?? "")) return null;
  return panels.includes(name);
}

function useLinger(active: boolean, panel: RefObject<HTMLDivElement | null>): boolean {
  const [lingering, setLingering] = useState(active);
  useEffect(() => {
    if (active) {
      setLingering(true);
      return;
    }
    let stopWaiting = () => {};
    const timer = setTimeout(() => {
      stopWaiting = foldQuietly(panel.current, () => setLingering(false));
    }, LINGER_MS);
    return () => {
      clearTimeout(timer);
      stopWaiting();
    };
  }, [active, panel]);
  return active || lingering;
}
