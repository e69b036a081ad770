/** An error: type, message, folded traceback, and a button that copies it all. */

import { useState } from "preact/hooks";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { str } from "../values";
import { Lazy, partOf } from "./lazy";

const NO_MESSAGE = "no message";

interface FailureProps {
  type: string | null;
  message: unknown;
  code?: string | null;
  traceback: unknown;
}

export function Failure({ type, message, code = null, traceback }: FailureProps) {
  const [unfolded, setUnfolded] = useState(false);
  const trace = str(traceback);
  const whole = partOf(message) === null && partOf(traceback) === null;
  const headline = `${type ? `${type}: ` : ""}${str(message) ?? NO_MESSAGE}`;
  const frames = whole ? (trace?.split("\n").filter((line) => /^\s*File "/.test(line)).length ?? 0) : 0;
  return (
    <div class="nb-failure">
      <pre class="nb-pre">
        {type && <strong>{type}: </strong>}
        <Lazy value={message} text>
          {(text) => str(text) ?? NO_MESSAGE}
        </Lazy>
        {code && <span class="nb-muted"> ({code})</span>}
      </pre>
      {(trace !== null || partOf(traceback)) && (
        <button type="button" class="nb-fold" aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
          <Icon name="chevron" />
          traceback{frames > 0 && ` (${frames} ${frames === 1 ? "frame" : "frames"})`}
        </button>
      )}
      {unfolded && (
        <Lazy value={traceback} text>
          {(text) => <pre class="nb-pre nb-traceback">{str(text)}</pre>}
        </Lazy>
      )}
      <div class="nb-actions">
        {whole && <CopyButton text={() => (trace === null ? headline : `${headline}\n\n${trace}`)} />}
      </div>
    </div>
  );
}
