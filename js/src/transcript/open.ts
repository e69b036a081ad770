/** The open state of a panel: the reader's choice, else open while it is active and a moment longer. */

import { useEffect, useState } from "preact/hooks";
import type { Block } from "../store";
import { useSession } from "./context";

/** Time for which a panel that opened by itself stays open after its end. */
export const LINGER_MS = 1000;

/** Return the panel's state and a function that sets the reader's choice. `active`: the block streams, failed or waits for the reader. */
export function useOpen(
  block: Block,
  active: boolean,
  byDefault = false,
): [open: boolean, toggle: (open: boolean) => void] {
  const session = useSession();
  const lingering = useLinger(active);
  const open = block.userOpen.value ?? (active || lingering || byDefault);
  return [open, (wanted) => session.toggle(block, wanted)];
}

function useLinger(active: boolean): boolean {
  const [lingering, setLingering] = useState(active);
  useEffect(() => {
    if (active) {
      setLingering(true);
      return;
    }
    const timer = setTimeout(() => setLingering(false), LINGER_MS);
    return () => clearTimeout(timer);
  }, [active]);
  return lingering;
}
