/** Frames of an exception: each has its place and its source line, and opens to its local variables. */

import { useState } from "preact/hooks";
import { error as LABELS } from "../../../nbagent/protocol/labels.json";
import type { ErrorFrame } from "../protocol";
import { fill } from "../shared";
import { Icon } from "../ui/icons";
import { record, str, type Unchecked } from "../values";
import { Lazy } from "./lazy";

export function Frames({ frames }: { frames: unknown }) {
  return <Lazy value={frames}>{(whole) => (Array.isArray(whole) ? <Stack frames={whole} /> : null)}</Lazy>;
}

/** The innermost frame comes first, as in a debugger, and is open. */
function Stack({ frames }: { frames: unknown[] }) {
  const [unfolded, setUnfolded] = useState(true);
  return (
    <>
      <button type="button" class="nb-fold" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
        <Icon name="chevron" />
        {fill(LABELS.stack, String(frames.length))}
      </button>
      {unfolded && (
        <ol class="nb-stack">
          {[...frames].reverse().map((frame, index) => (
            <Frame key={index} frame={record(frame) ?? {}} innermost={index === 0} />
          ))}
        </ol>
      )}
    </>
  );
}

function Frame({ frame, innermost }: { frame: Unchecked<ErrorFrame>; innermost: boolean }) {
  const [open, setOpen] = useState(innermost);
  const variables = Object.entries(record(frame.locals) ?? {});
  return (
    <li class="nb-stack-frame">
      <button type="button" class="nb-stack-row" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="chevron" />
        <code>{str(frame.source)}</code>
        <span class="nb-muted">
          {str(frame.function)} · {fill(LABELS.place, str(frame.file) ?? "", String(frame.line))}
        </span>
      </button>
      {open && variables.length === 0 && <div class="nb-stack-locals nb-muted">{LABELS.no_locals}</div>}
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
