/** A question to the reader, and the decision. */

import { approval as LABELS } from "../../../nbagent/protocol/labels.json";
import { fill } from "../shared";
import { decisionLabel, promptLabel } from "../status";
import { type Block, isKind } from "../store";
import { Icon } from "../ui/icons";
import { JsonView } from "../ui/json-tree";
import { record, str, strings } from "../values";
import { useSession } from "./context";
import { Lazy } from "./lazy";

/** A question to the reader. A question about a tool call is drawn in the panel of the call. */
export function ApprovalBlock({ block }: { block: Block<"approval"> }) {
  const session = useSession();
  const toolId = str(block.props.value.tool_id);
  const subject = toolId === null ? undefined : session.store.get(toolId);
  return subject && isKind(subject, "tool") ? null : <Question block={block} />;
}

export function Question({ block }: { block: Block<"approval"> }) {
  const props = block.props.value;
  const decision = decisionLabel(props);
  const prompt = promptLabel(props);
  if (decision !== null) {
    const reason = str(props.reason);
    const approved = props.decision === "approve";
    return (
      <div class="nb-line">
        <Icon name={approved ? "check" : "denied"} tone={approved ? "ok" : "off"} />
        <span>
          <strong>{decision}</strong>
          <span class="nb-muted">
            {" "}
            {prompt}
            {reason && ` · ${reason}`}
          </span>
        </span>
      </div>
    );
  }
  const options = strings(props.options);
  return (
    <div class={`nb-approval ${block.closed.value ? "" : "nb-approval-open"}`}>
      <p>
        {prompt}
        {block.closed.value && <span class="nb-muted">{LABELS.unanswered}</span>}
      </p>
      {props.args !== undefined && props.args !== null && (
        <Lazy value={props.args}>{(args) => <Fields args={args} />}</Lazy>
      )}
      {options.length > 0 && <p class="nb-muted">{fill(LABELS.options, options.join(", "))}</p>}
    </div>
  );
}

function Fields({ args }: { args: unknown }) {
  const named = record(args);
  if (named === null) return <JsonView value={args} />;
  return (
    <dl class="nb-fields">
      {Object.entries(named).map(([name, value]) => (
        <div key={name}>
          <dt class="nb-caption">{name}</dt>
          <dd>{typeof value === "string" ? <span class="nb-field">{value}</span> : <JsonView value={value} />}</dd>
        </div>
      ))}
    </dl>
  );
}
