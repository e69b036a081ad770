/** An error: type, message, folded traceback, and a copy button. */

import { error as LABELS } from "../../../nbagent/protocol/labels.json";
import { tracebackLabel } from "../status";
import { CopyButton } from "../ui/copy";
import { Fold } from "../ui/fold";
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
  const trace = str(traceback);
  const whole = lazyValueOf(message) === null && lazyValueOf(traceback) === null;
  const headline = `${type ? `${type}: ` : ""}${str(message) ?? LABELS.message}`;
  const copy = whole && (
    <CopyButton text={() => (trace === null ? headline : `${headline}\n\n${trace}`)} />
  );
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
      {trace !== null || lazyValueOf(traceback) ? (
        <Fold
          label={whole && trace !== null ? tracebackLabel(trace) : LABELS.traceback}
          beside={copy}
        >
          {() => (
            <Lazy value={traceback} text>
              {(text) => <pre class="nb-pre nb-traceback">{str(text)}</pre>}
            </Lazy>
          )}
        </Fold>
      ) : (
        <div class="nb-actions">{copy}</div>
      )}
    </div>
  );
}
