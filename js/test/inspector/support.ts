/** A session over a kernel that answers the inspector's questions. */

import type { ViewMessage } from "../../src/protocol";
import { type Model, Session } from "../../src/session";
import type { JsonObject } from "../../src/values";

export interface InspectedSession {
  session: Session;
  /** Names of the pages that were asked for. */
  asked: string[];
  /** All other messages. */
  sent: ViewMessage[];
  deliver(raw: unknown): void;
}

/** @param answer - the rest of the kernel's `part` message for a page. */
export function inspectedSession(
  answer: (name: string) => JsonObject,
  { head = {}, watch = () => () => {} }: { head?: JsonObject; watch?: Model["host"]["watch"] } = {},
): InspectedSession {
  const asked: string[] = [];
  const sent: ViewMessage[] = [];
  let deliver: (raw: unknown) => void = () => {};
  const session = new Session({
    runId: "run",
    domKey: "key",
    host: { peer: "kernel", importModule: null, interrupt: null, watch },
    head: () => head,
    onHead: () => () => {},
    listen: (receive) => {
      deliver = receive;
      return () => {};
    },
    send: (message: ViewMessage) => {
      if (message.t !== "need") {
        sent.push(message);
        return;
      }
      asked.push(message.name);
      queueMicrotask(() =>
        deliver({ t: "part", name: message.name, at: message.at, ...answer(message.name) }),
      );
    },
  });
  return { session, asked, sent, deliver: (raw) => deliver(raw) };
}
