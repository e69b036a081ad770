/** The input line of a chat: a prompt, files dropped with it, Send that becomes Stop. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { chat as LABELS } from "../../../nbagent/protocol/labels.json";
import type { Draft, DroppedFile } from "../chat-draft";
import type { Session } from "../session";
import { fill } from "../shared";
import { isLive } from "../status";
import { isKind } from "../store";
import { Icon } from "../ui/icons";
import { count, num, str } from "../values";

/** Height to which the input line grows with its text. */
const MAX_HEIGHT_PX = 200;
/** Bytes of all files of a prompt: Jupyter's server takes messages of 10 MB, nbagent's of 4 MiB. */
const MAX_FILE_BYTES = { kernel: 6_000_000, server: 3_900_000 };

export function ChatInput({ session }: { session: Session }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [dropping, setDropping] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const { chat } = session;
  const { text, files, editing } = chat.draft.value;
  const gone = session.kernel.state.value === "gone";
  const live = isLive(session.status);
  const sending = chat.sent.value !== null && !live;
  const mayEnd = live && !gone;

  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, MAX_HEIGHT_PX)}px`;
  }, [text]);
  useLayoutEffect(() => {
    if (editing !== null) field.current?.focus({ preventScroll: true });
  }, [editing]);

  const change = (changed: Partial<Draft>) => chat.change(changed);
  const send = () => {
    if (live || gone || sending || (text.trim() === "" && files.length === 0)) return;
    setProblem(null);
    chat.say();
  };
  const add = async (list: Iterable<File>) => {
    const read = await Promise.all([...list].map(readFile));
    const all = [...chat.draft.peek().files, ...read];
    const size = all.reduce((bytes, file) => bytes + file.data.length, 0);
    const most = MAX_FILE_BYTES[session.peer];
    if (size > most) setProblem(fill(LABELS.too_large, count(Math.floor(most / 1_000_000))));
    else change({ files: all });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation();
      send();
    } else if (event.key === "Escape" && editing !== null) {
      event.preventDefault();
      chat.clear();
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && field.current) {
      const recalled = recall(session, text, event.key === "ArrowUp" ? -1 : 1, field.current);
      if (recalled === null) return;
      event.preventDefault();
      change({ text: recalled });
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files are dropped on it
    <div
      class={`nb-chat${dropping ? " nb-dropping" : ""}`}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        event.stopPropagation();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={(event) => {
        setDropping(false);
        if (!event.dataTransfer?.files.length) return;
        event.preventDefault();
        event.stopPropagation();
        void add(event.dataTransfer.files);
      }}
    >
      <EarlierVersions session={session} />
      {editing !== null && (
        <p class="nb-chat-note">
          {LABELS.editing}{" "}
          <button type="button" class="nb-link" onClick={() => chat.clear()}>
            {LABELS.cancel}
          </button>
        </p>
      )}
      {files.length > 0 && (
        <div class="nb-chat-files">
          {files.map((file, index) => (
            <span class="nb-chip" key={`${index} ${file.name}`}>
              {file.name}
              <button
                type="button"
                class="nb-link"
                aria-label={fill(LABELS.remove, file.name)}
                onClick={() => change({ files: files.filter((each) => each !== file) })}
              >
                ×
              </button>
            </span>
          ))}
        </div>
      )}
      {problem !== null && (
        <p class="nb-chat-note nb-bad" role="alert">
          {problem}
        </p>
      )}
      {chat.late.value !== null && !gone && (
        <p class="nb-chat-note nb-ask" role="status">
          {LABELS[`late_${session.peer}`]}
        </p>
      )}
      <div class="nb-chat-line">
        <textarea
          ref={field}
          class="nb-chat-text"
          rows={1}
          value={text}
          placeholder={gone ? LABELS[`gone_${session.peer}`] : LABELS.placeholder}
          aria-label={LABELS.label}
          title={LABELS.keys}
          disabled={gone}
          spellcheck
          dir="auto"
          onInput={(event) => change({ text: event.currentTarget.value })}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            if (!event.clipboardData?.files.length) return;
            event.preventDefault();
            void add(event.clipboardData.files);
          }}
        />
        {mayEnd ? (
          <button
            type="button"
            class="nb-button nb-stop nb-chat-send"
            onClick={() => session.stop()}
          >
            <Icon name="stop" />
            {LABELS.stop}
          </button>
        ) : (
          <button
            type="button"
            class="nb-button nb-chat-send"
            aria-disabled={gone || sending || (text.trim() === "" && files.length === 0)}
            onClick={send}
          >
            {sending ? LABELS.sending : LABELS.send}
          </button>
        )}
      </div>
    </div>
  );
}

/** Shows or hides what was said before a prompt was edited or asked again. */
function EarlierVersions({ session }: { session: Session }) {
  const versions = num(session.runProps.versions) ?? 0;
  if (versions === 0) return null;
  const shown = session.chat.showsEarlier.value;
  return (
    <p class="nb-chat-note">
      <button
        type="button"
        class="nb-link"
        aria-expanded={shown}
        onClick={() => {
          session.chat.showsEarlier.value = !shown;
        }}
      >
        {shown ? LABELS.hide : fill(LABELS.show, count(versions))}
      </button>
    </p>
  );
}

async function readFile(file: File): Promise<DroppedFile> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return { name: file.name, media_type: file.type || "text/plain", data: btoa(binary) };
}

/**
 * Earlier prompt in place of the text: the one before or after it. Null where the arrow keys move
 * the cursor.
 */
function recall(
  session: Session,
  text: string,
  step: -1 | 1,
  area: HTMLTextAreaElement,
): string | null {
  const prompts = [...session.store.all]
    .filter((block) => isKind(block, "prompt"))
    .map((block) => str(block.props.peek().text) ?? "");
  const at = prompts.lastIndexOf(text);
  const recalled = at >= 0 && text !== "";
  if ((!recalled && text !== "") || (area.selectionStart !== area.selectionEnd && !recalled))
    return null;
  const next = recalled ? at + step : step < 0 ? prompts.length - 1 : -1;
  if (next >= prompts.length) return "";
  return next < 0 ? null : (prompts[next] ?? null);
}
