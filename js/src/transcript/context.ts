/** The session as context of every component in its views. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Session } from "../session";

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("a transcript component was drawn outside of <Transcript>");
  return session;
}
