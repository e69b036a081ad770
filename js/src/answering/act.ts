/** An act that the kernel answers by the run's prop `outcome`. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Outcome, ViewMessage } from "../protocol";
import type { Session } from "../session";
import { record, str, type Unchecked } from "../values";

/** Time after which the view says why an act has no effect yet. */
const OVERDUE_MS = 3000;

export interface Act {
  /** True while the act is on its way. */
  isSent: boolean;
  isOverdue: boolean;
  /** Why the last act failed; null if it did not. */
  problem: string | null;
  /** Result of the last act; null if it failed, and before its end. */
  outcome: { run: string | null; file: string | null; html: unknown } | null;
  /** Send a message with this key, unless one is on its way. */
  send: (message: (key: string) => ViewMessage) => void;
}

/** The last act of a form. */
export function useAct(session: Session): Act {
  const [key, setKey] = useState<string | null>(null);
  const [isOverdue, setOverdue] = useState(false);
  const own = useRef<Unchecked<Outcome>>({});
  const last: Unchecked<Outcome> = record(session.runProps.outcome) ?? {};
  // The run has one outcome: another act's takes the place of this one's.
  if (key !== null && last.key === key) own.current = last;
  const told = own.current;
  const isOver = key !== null && told.key === key;
  const isSent = key !== null && !isOver;
  useEffect(() => {
    setOverdue(false);
    if (!isSent) return;
    const timer = setTimeout(() => setOverdue(true), OVERDUE_MS);
    return () => clearTimeout(timer);
  }, [isSent]);
  const problem = isOver ? str(told.problem) : null;
  return {
    isSent,
    isOverdue,
    problem,
    outcome:
      isOver && problem === null
        ? { run: str(told.run), file: str(told.file), html: told.html ?? null }
        : null,
    send(message) {
      if (isSent) return;
      const made = newKey();
      setKey(made);
      session.channel.send(message(made));
    },
  };
}

/** Return a key that no other act has. `crypto.randomUUID` exists on https pages only. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("");
}
