/**
 * The user's message that the run answers: plain text, as it was typed, with its pictures and
 * files.
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { chat as CHAT, prompted as LABELS } from "../../../nbagent/protocol/labels.json";
import { prose } from "../readable";
import { fill } from "../shared";
import { isLive } from "../status";
import type { Block, BlockList } from "../store";
import type { TextStream } from "../text-stream";
import { num, record } from "../values";
import { useSession } from "./context";
import { File } from "./file";
import { Lazy } from "./lazy";
import { IMAGE_CHARS } from "./result";

/** Height of a long message until the reader wants all of it; as in content.css. */
const FOLDED_PX = 168;
/** Height that is not worth folding. */
const SLACK_PX = 60;

export function PromptBlock({ block }: { block: Block<"prompt"> }) {
  return (
    <div class="nb-prompt">
      <span class="nb-sr">{LABELS.you}: </span>
      <Message stream={block.stream("text")} />
      <Lazy value={block.props.value.files} limit={IMAGE_CHARS}>
        {(files) =>
          Array.isArray(files) &&
          files.map((file, index) => (
            <File key={index} file={record(file) ?? {}} altText={LABELS.picture} />
          ))
        }
      </Lazy>
      <ChatActions block={block} />
    </div>
  );
}

/**
 * In a chat: edit the message, or ask it again. Both go on from there, without what came after it.
 */
function ChatActions({ block }: { block: Block<"prompt"> }) {
  const session = useSession();
  const idle = !isLive(session.status) && session.kernel.state.value !== "gone";
  if (num(session.runProps.turns) === null || block.props.value.replaced === true || !idle)
    return null;
  const text = () => block.stream("text").text;
  const edit = () => session.chat.change({ text: text(), editing: block.id });
  const again = () => session.chat.again(text(), block.id);
  const number = String(numberOf(block, session.store.top));
  return (
    <div class="nb-prompt-actions">
      <button type="button" class="nb-link" aria-label={fill(CHAT.edit_of, number)} onClick={edit}>
        {CHAT.edit}
      </button>
      <button
        type="button"
        class="nb-link"
        aria-label={fill(CHAT.again_of, number)}
        onClick={again}
      >
        {CHAT.again}
      </button>
    </div>
  );
}

/** The number of a message of the user among those of the chat as it is now, from 1. */
function numberOf(block: Block, list: BlockList): number {
  const blocks = list.pages.peek().flatMap((page) => page.peek());
  const prompts = blocks.filter(
    (each) => each.kind === "prompt" && each.props.peek().replaced !== true,
  );
  return prompts.indexOf(block) + 1;
}

function Message({ stream }: { stream: TextStream }) {
  const text = useRef<HTMLDivElement>(null);
  const [isLong, setLong] = useState(false);
  const [unfolded, setUnfolded] = useState(false);
  useLayoutEffect(() => {
    const draw = () => {
      if (!text.current) return;
      text.current.textContent = prose(stream.text);
      setLong(text.current.scrollHeight > FOLDED_PX + SLACK_PX);
    };
    draw();
    return stream.subscribe({ append: draw, replace: draw });
  }, [stream]);
  return (
    <>
      <div
        ref={text}
        class={isLong && !unfolded ? "nb-prompt-text nb-folded" : "nb-prompt-text"}
        dir="auto"
      />
      {isLong && (
        <button
          type="button"
          class="nb-link"
          aria-expanded={unfolded}
          onClick={() => setUnfolded(!unfolded)}
        >
          {unfolded ? LABELS.less : LABELS.more}
        </button>
      )}
    </>
  );
}
