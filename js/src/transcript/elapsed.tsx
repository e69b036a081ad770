/** A duration, which ticks until its end is known. */

import { useEffect } from "preact/hooks";
import { duration, ticking } from "../ui/duration";
import { useSession } from "./context";

interface ElapsedProps {
  started: number;
  /** The end in seconds since the epoch; null while it is unknown. */
  ended: number | null;
  format?: (seconds: number) => string;
}

export function Elapsed({ started, ended, format = duration }: ElapsedProps) {
  if (ended !== null) return <span class="nb-time">{format(Math.max(0, ended - started))}</span>;
  return <Ticking started={started} />;
}

function Ticking({ started }: { started: number }) {
  const { clock } = useSession();
  useEffect(() => clock.watch(), [clock]);
  return <span class="nb-time">{ticking(Math.max(0, clock.now.value - started))}</span>;
}
