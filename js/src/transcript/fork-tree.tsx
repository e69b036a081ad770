/** The place of the tree of forks, above the header. What draws it is a part of its own. */

import type { FunctionComponent } from "preact";
import type { Session } from "../session";
import { useSession } from "./context";
import { loadDrawn } from "./drawn-module";
import { useLoaded } from "./lazy";
import { Result } from "./result";

export interface ForksProps {
  session: Session;
  /** Draws a comparison: the part has no copy of it. */
  Result: typeof Result;
}

export function ForkTree() {
  const forks = useSession().runProps.forks;
  return Array.isArray(forks) && forks.length > 1 ? <ForkTreeSlot /> : null;
}

function ForkTreeSlot() {
  const session = useSession();
  const { value: module, problem } = useLoaded(() => loadDrawn(session, "forks.js"), 0, session);
  const Forks: FunctionComponent<ForksProps> | undefined = module?.Forks;
  return Forks ? <Forks session={session} Result={Result} /> : <div>{problem}</div>;
}
