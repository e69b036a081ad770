/**
 * The lazy part `answering.js`: what a reader writes to a run. Answers to questions, other
 * arguments, the prompts of a chat.
 */

import type { Session } from "../session";
import type { Block } from "../store";
import { ChatInput } from "./chat-input";
import { PartRoot } from "./part-root";
import { Way } from "./ways";

export { AttemptControls } from "./attempts";
export { Difference } from "./difference";
export { ForkForm } from "./fork-form";
export { SendForm } from "./send-form";

export function Answering({ session, block }: { session: Session; block: Block<"approval"> }) {
  return (
    <PartRoot session={session}>
      <Way block={block} />
    </PartRoot>
  );
}

export function ChatLine({ session }: { session: Session }) {
  return (
    <PartRoot session={session}>
      <ChatInput session={session} />
    </PartRoot>
  );
}
