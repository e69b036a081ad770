/** The user's message that the run answers: plain text, as it was typed, with its pictures and files. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { prompted as LABELS } from "../../../nbagent/protocol/labels.json";
import { prose } from "../readable";
import type { Block } from "../store";
import type { TextStream } from "../text-stream";
import { record } from "../values";
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
          files.map((file, index) => <File key={index} file={record(file) ?? {}} altText={LABELS.picture} />)
        }
      </Lazy>
    </div>
  );
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
      <div ref={text} class={isLong && !unfolded ? "nb-prompt-text nb-folded" : "nb-prompt-text"} dir="auto" />
      {isLong && (
        <button type="button" class="nb-link" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
          {unfolded ? LABELS.less : LABELS.more}
        </button>
      )}
    </>
  );
}
