/**
 * Frames of an exception: each has its place and its source line, and opens to its local variables.
 */

import { useState } from "preact/hooks";
import { error as LABELS } from "../../../nbagent/protocol/labels.json";
import type { ErrorFrame } from "../protocol";
import { fill } from "../shared";
import { Fold } from "../ui/fold";
import { Icon } from "../ui/icons";
import { record, str, type Unchecked } from "../values";
import { Lazy } from "./lazy";

type Frame = Unchecked<ErrorFrame>;

export function Frames({ frames }: { frames: unknown }) {
  return (
    <Lazy value={frames}>
      {(whole) => (Array.isArray(whole) ? <Stack frames={whole} /> : null)}
    </Lazy>
  );
}

/**
 * The innermost frame comes first, as in a debugger. The first of the user's own code is open;
 * libraries are folded.
 */
function Stack({ frames }: { frames: unknown[] }) {
  const groups = grouped(frames.map((frame): Frame => record(frame) ?? {}).reverse());
  const opened = groups.find(([first]) => !isLibrary(first)) ?? groups[0];
  return (
    <Fold label={fill(LABELS.stack, String(frames.length))} open>
      {() => (
        <ol class="nb-stack">
          {groups.map((group, index) =>
            group !== opened && isLibrary(group[0]) ? (
              <LibraryFrames key={index} frames={group} />
            ) : (
              group.map((frame, number) => (
                <FrameRow
                  key={`${index}.${number}`}
                  frame={frame}
                  isOpenAtFirst={group === opened && number === 0}
                />
              ))
            ),
          )}
        </ol>
      )}
    </Fold>
  );
}

const isLibrary = (frame: Frame | undefined) => str(frame?.library) !== null;

/** Neighbours that are both of libraries, or both of the user's own code, share a group. */
function grouped(frames: Frame[]): Frame[][] {
  const groups: Frame[][] = [];
  for (const frame of frames) {
    const last = groups.at(-1);
    if (last && isLibrary(last[0]) === isLibrary(frame)) last.push(frame);
    else groups.push([frame]);
  }
  return groups;
}

function LibraryFrames({ frames }: { frames: Frame[] }) {
  const [open, setOpen] = useState(false);
  const names = [...new Set(frames.map(({ library }) => str(library)))].join(", ");
  return (
    <>
      <li class="nb-stack-frame">
        <button
          type="button"
          class="nb-stack-row nb-muted"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <Icon name="chevron" />
          {fill(
            frames.length === 1 ? LABELS.library_frame : LABELS.library_frames,
            String(frames.length),
            names,
          )}
        </button>
      </li>
      {open && frames.map((frame, index) => <FrameRow key={index} frame={frame} />)}
    </>
  );
}

function FrameRow({ frame, isOpenAtFirst = false }: { frame: Frame; isOpenAtFirst?: boolean }) {
  const [open, setOpen] = useState(isOpenAtFirst);
  const variables = Object.entries(record(frame.locals) ?? {});
  return (
    <li class={isLibrary(frame) ? "nb-stack-frame nb-muted" : "nb-stack-frame"}>
      <button
        type="button"
        class="nb-stack-row"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="chevron" />
        <code>{str(frame.source)}</code>
        <span class="nb-muted">
          {str(frame.function)} · {fill(LABELS.place, str(frame.file) ?? "", String(frame.line))}
        </span>
      </button>
      {open && variables.length === 0 && (
        <div class="nb-stack-locals nb-muted">{LABELS.no_locals}</div>
      )}
      {open && variables.length > 0 && (
        <dl class="nb-stack-locals">
          {variables.map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{str(text)}</dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}
