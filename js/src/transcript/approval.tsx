/** A question to the reader: what is asked, the way to answer, and the decision. */

import type { FunctionComponent } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { approval as LABELS } from "../../../nbagent/protocol/labels.json";
import { isOpen } from "../answers";
import { changes } from "../changes";
import type { Session } from "../session";
import { fill } from "../shared";
import { decisionLabel, isPermitted, promptLabel } from "../status";
import { type Block, isKind } from "../store";
import { Icon } from "../ui/icons";
import { str, strings } from "../values";
import { Arguments } from "./arguments";
import { useSession } from "./context";
import { loadDrawn } from "./drawn-module";
import { lazyValueOf, useLoaded } from "./lazy";
import { useFindable } from "./questions";

/** A question to the reader. A question about a tool call is drawn in the panel of the call. */
export function ApprovalBlock({ block }: { block: Block<"approval"> }) {
  const session = useSession();
  const toolId = str(block.props.value.tool_id);
  const subject = toolId === null ? undefined : session.store.get(toolId);
  return subject && isKind(subject, "tool") ? null : <Question block={block} />;
}

export function Question({ block }: { block: Block<"approval"> }) {
  const box = useRef<HTMLDivElement>(null);
  const waits = isOpen(block);
  useFindable(block, box);
  useKeptFocus(box, waits);
  return (
    <div ref={box} class="nb-question" tabIndex={-1}>
      {str(block.props.value.decision) === null ? (
        <Asked block={block} />
      ) : (
        <Decision block={block} />
      )}
    </div>
  );
}

function Asked({ block }: { block: Block<"approval"> }) {
  const session = useSession();
  const props = block.props.value;
  const waits = isOpen(block);
  const reachable = session.kernel.state.value !== "gone";
  const options = strings(props.options);
  return (
    <div class={`nb-approval ${waits ? "nb-approval-open" : ""}`}>
      <p class="nb-asked">
        {promptLabel(props)}
        {!waits && <span class="nb-muted">{LABELS.unanswered}</span>}
      </p>
      {waits && reachable && props.answerable === true && !session.onlyWatches ? (
        <AnsweringSlot block={block} />
      ) : (
        <>
          <Arguments args={props.args} />
          {options.length > 0 && <p class="nb-muted">{fill(LABELS.options, options.join(", "))}</p>}
          {waits && reachable && (
            <p class="nb-muted">{session.onlyWatches ? LABELS.watching : LABELS.elsewhere}</p>
          )}
        </>
      )}
    </div>
  );
}

/** The controls that answer a question; until they are loaded, what it is about. */
function AnsweringSlot({ block }: { block: Block<"approval"> }) {
  const session = useSession();
  const { value: module, problem } = useLoaded(
    () => loadDrawn(session, "answering.js"),
    0,
    session,
  );
  const Answering: FunctionComponent<{ session: Session; block: Block<"approval"> }> | undefined =
    module?.Answering;
  if (Answering) return <Answering session={session} block={block} />;
  return (
    <>
      <Arguments args={block.props.value.args} />
      {problem ?? <p class="nb-note">Loading the answers…</p>}
    </>
  );
}

function Decision({ block }: { block: Block<"approval"> }) {
  const props = block.props.value;
  const permitted = isPermitted(props);
  const changed = lazyValueOf(props.value) || lazyValueOf(props.args) ? [] : changes(props);
  const details = [
    props.approval_kind === "stop" ? promptLabel(props) : str(props.prompt),
    ...changed,
    str(props.reason),
  ].filter((text) => text !== null);
  return (
    <div class="nb-line">
      <Icon name={permitted ? "check" : "denied"} tone={permitted ? "ok" : "off"} />
      <span>
        <strong>{decisionLabel(props)}</strong>
        <span class="nb-muted">{details.map((text) => ` · ${text}`).join("")}</span>
      </span>
    </div>
  );
}

/**
 * Keep the keyboard where it is when the question's controls, one of which has it, make room for
 * the decision.
 */
function useKeptFocus(box: { current: HTMLElement | null }, waits: boolean): void {
  const within = useRef(false);
  // While this draws, the controls are still there.
  const root = box.current?.getRootNode() as Document | ShadowRoot | undefined;
  within.current =
    root?.activeElement != null && box.current?.contains(root.activeElement) === true;
  useLayoutEffect(() => {
    if (!waits && within.current) box.current?.focus({ preventScroll: true });
  }, [waits]);
}
