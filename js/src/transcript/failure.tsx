/** An error: type, message, folded traceback, and a button that copies it all. */

import { useState } from "preact/hooks";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";

interface FailureProps {
  type: string | null;
  message: string;
  code?: string | null;
  traceback: string | null;
}

export function Failure({ type, message, code = null, traceback }: FailureProps) {
  const [unfolded, setUnfolded] = useState(false);
  const headline = `${type ? `${type}: ` : ""}${message}`;
  const frames = traceback === null ? 0 : traceback.split("\n").filter((line) => /^\s*File "/.test(line)).length;
  return (
    <div class="nb-failure">
      <pre class="nb-pre">
        {type && <strong>{type}: </strong>}
        {message}
        {code && <span class="nb-muted"> ({code})</span>}
      </pre>
      {traceback !== null && (
        <button type="button" class="nb-fold" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
          <Icon name="chevron" />
          traceback{frames > 0 && ` (${frames} ${frames === 1 ? "frame" : "frames"})`}
        </button>
      )}
      {traceback !== null && unfolded && <pre class="nb-pre nb-traceback">{traceback}</pre>}
      <div class="nb-actions">
        <CopyButton text={() => (traceback === null ? headline : `${headline}\n\n${traceback}`)} />
      </div>
    </div>
  );
}
