/** The place of a chat's input line. What draws it is a part of its own. */

import type { FunctionComponent } from "preact";
import type { Session } from "../session";
import { num } from "../values";
import { loadDrawn } from "./drawn-module";
import { useLoaded } from "./lazy";

/** Number of answers of a chat; null for a run that is none. */
export const turnsOf = (session: Session): number | null => num(session.runProps.turns);

export function ChatSlot({ session }: { session: Session }) {
  const { value: module, problem } = useLoaded(
    () => loadDrawn(session, "answering.js"),
    0,
    session,
  );
  const ChatLine: FunctionComponent<{ session: Session }> | undefined = module?.ChatLine;
  return ChatLine ? <ChatLine session={session} /> : <div>{problem}</div>;
}
