/** The place of the table of a map. What draws it is a part of its own. */

import type { FunctionComponent } from "preact";
import type { Session } from "../session";
import type { Block } from "../store";
import { useSession } from "./context";
import { loadDrawn } from "./drawn-module";
import { useLoaded } from "./lazy";

export function RowsBlock({ block }: { block: Block<"rows"> }) {
  const session = useSession();
  const { value: module, problem } = useLoaded(() => loadDrawn(session, "table.js"), 0, session);
  const Table: FunctionComponent<{ session: Session; block: Block<"rows"> }> | undefined =
    module?.RowsTable;
  return Table ? <Table session={session} block={block} /> : <div>{problem}</div>;
}
