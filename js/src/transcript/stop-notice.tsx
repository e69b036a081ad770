/** A notice that Stop has no effect yet, with a button that interrupts the kernel. */

import { useState } from "preact/hooks";
import { type Session, stopDelayText } from "../session";

export function StopNotice({ session }: { session: Session }) {
  const [failed, setFailed] = useState(false);
  if (!session.stopOverdue.value) return null;
  const interrupt = session.interrupt;
  return (
    <p class="nb-banner">
      {failed
        ? "The kernel could not be interrupted from here; its menu may do it."
        : stopDelayText(session)}
      {interrupt && (
        <button
          type="button"
          class="nb-button"
          onClick={() => interrupt().catch(() => setFailed(true))}
        >
          Interrupt the kernel
        </button>
      )}
    </p>
  );
}
