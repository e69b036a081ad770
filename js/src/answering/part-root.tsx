/** The root of what this part draws. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Session } from "../session";
import { adoptStyle } from "../style";
import { SessionContext } from "../transcript/context";

/** The context and the style of this part, which are not those of the base. */
export function PartRoot({ session, children }: { session: Session; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (box.current) adoptStyle(box.current);
  }, []);
  return (
    <SessionContext.Provider value={session}>
      <div ref={box}>{children}</div>
    </SessionContext.Provider>
  );
}
