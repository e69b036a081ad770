/** The lazy part `answering.js`: the controls by which a reader answers a question. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Session } from "../session";
import type { Block } from "../store";
import { adoptStyle } from "../style";
import { SessionContext } from "../transcript/context";
import { Way } from "./ways";

export { AttemptControls } from "./attempts";
export { Difference } from "./difference";

export function Answering({ session, block }: { session: Session; block: Block<"approval"> }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (box.current) adoptStyle(box.current);
  }, []);
  return (
    // The context of this bundle is not that of the base bundle.
    <SessionContext.Provider value={session}>
      <div ref={box}>
        <Way block={block} />
      </div>
    </SessionContext.Provider>
  );
}
