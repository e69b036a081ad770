/** An error: type, message, folded traceback, and a copy button. */

import { useState } from "preact/hooks";
import { error as LABELS } from "../../../nbagent/protocol/labels.json";
import { tracebackLabel } from "../status";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { str } from "../values";
import { Frames } from "./frames";
import { Lazy, lazyValueOf } from "./lazy";

interface FailureProps {
  type: string | null;
  message: unknown;
  code?: string | null;
  traceback: unknown;
  /** Frames of the code that raised it, outermost first. */
  frames?: unknown;
}

export function Failure({ type, message, code = null, traceback, frames }: FailureProps) {
  const [unfolded, setUnfolded] = useState(false);
  const trace = str(traceback);
  const whole = lazyValueOf(message) === null && lazyValueOf(traceback) === null;
  const headline = `${type ? `${type}: ` : ""}${str(message) ?? LABELS.message}`;
  return (
    <div class="nb-failure">
      <pre class="nb-pre">
        {type && <strong>{type}: </strong>}
        <Lazy value={message} text>
          {(text) => str(text) ?? LABELS.message}
        </Lazy>
        {code && <span class="nb-muted"> ({code})</span>}
      </pre>
      {frames !== undefined && <Frames frames={frames} />}
      {(trace !== null || lazyValueOf(traceback)) && (
        <button
          type="button"
          class="nb-fold"
          aria-expanded={unfolded}
          onClick={() => setUnfolded(!unfolded)}
        >
          <Icon name="chevron" />
          {whole && trace !== null ? tracebackLabel(trace) : LABELS.traceback}
        </button>
      )}
      {unfolded && (
        <Lazy value={traceback} text>
          {(text) => <pre class="nb-pre nb-traceback">{str(text)}</pre>}
        </Lazy>
      )}
      <div class="nb-actions">
        {whole && (
          <CopyButton text={() => (trace === null ? headline : `${headline}\n\n${trace}`)} />
        )}
      </div>
    </div>
  );
}
