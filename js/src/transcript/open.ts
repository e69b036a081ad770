/** The open state of a panel: the reader's choice, else open while it is active, and until it can be folded unnoticed. */

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Block } from "../store";
import { foldQuietly } from "../ui/quiet-fold";
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
  const held = useLinger(active || byDefault, panel);
  const open = block.userOpen.value ?? held;
  return { open, onToggle: (wanted) => session.toggle(block, wanted), panel };
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
