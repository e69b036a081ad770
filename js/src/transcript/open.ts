/**
 * The open state of a panel: the reader's choice, else the run's setting, else what the block
 * itself asks for.
 */

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isLive } from "../status";
import { type Block, isKind } from "../store";
import { isInUse } from "../ui/virtualize";
import { str } from "../values";
import { useSession } from "./context";

/** Time for which a panel that opened by itself stays open after its end, while the run goes on. */
export const LINGER_MS = 1000;

/** State of a panel: props of `Disclosure`. */
export interface Opening {
  open: boolean;
  /** Sets the reader's choice. */
  onToggle: (open: boolean) => void;
  panel: RefObject<HTMLDivElement | null>;
}

/**
 * Return the state of a block's panel. When the run has ended, it follows from the blocks alone:
 * neither the window nor the time at which the view was drawn has a part in it.
 *
 * @param active - the block streams, failed or waits for the reader.
 * @param byDefault - the panel stays open.
 */
export function useOpen(block: Block, active: boolean, byDefault = false): Opening {
  const session = useSession();
  const panel = useRef<HTMLDivElement>(null);
  const onToggle = (wanted: boolean) => session.toggle(block, wanted);
  const lingers = useLinger(active || byDefault, () => {
    // Nobody's selection or form is closed: who uses a panel has chosen it.
    if (panel.current && isInUse(panel.current)) onToggle(true);
  });
  const chosen = block.userOpen.value ?? panelChoice(block, session.runProps.panels);
  const open = chosen ?? (active || byDefault || (lingers && isLive(session.status)));
  return { open, onToggle, panel };
}

/** Names of kinds of panels, as `show(panels=…)` takes them. */
const PANELS: Readonly<Record<string, string>> = {
  reasoning: "thinking",
  tool: "tools",
  agent: "agents",
};
const NEEDS_READER: ReadonlySet<string> = new Set(["approval-requested", "output-error"]);

/** Return true if the run's own setting opens a panel; null if it says nothing. */
function panelChoice(block: Block, panels: unknown): boolean | null {
  const name = PANELS[block.kind];
  if (!Array.isArray(panels) || name === undefined) return null;
  if (isKind(block, "tool") && NEEDS_READER.has(str(block.props.value.state) ?? "")) return null;
  return panels.includes(name);
}

/**
 * Return true while `active` is, and for some time after it; `beforeEnd` is called when that time
 * is over.
 */
function useLinger(active: boolean, beforeEnd: () => void): boolean {
  const [lingering, setLingering] = useState(active);
  const end = useRef(beforeEnd);
  end.current = beforeEnd;
  useEffect(() => {
    if (active) {
      setLingering(true);
      return;
    }
    if (!lingering) return;
    const timer = setTimeout(() => {
      end.current();
      setLingering(false);
    }, LINGER_MS);
    return () => clearTimeout(timer);
  }, [active, lingering]);
  return lingering;
}
