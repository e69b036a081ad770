/** A question to the reader and what was decided. */

import type { Block } from "../store";
import { Icon } from "../ui/icons";
import { JsonView } from "../ui/json-tree";
import { record, str } from "../values";
import { useSession } from "./context";
import { Lazy } from "./lazy";

const DECISIONS: Record<string, string> = { approve: "Approved", deny: "Denied", cancel: "Cancelled" };

/** A question about a tool call is drawn in that tool's panel, every other one where it was asked. */
export function ApprovalBlock({ block }: { block: Block }) {
  const session = useSession();
  const toolId = str(block.props.value.tool_id);
  return toolId !== null && session.store.get(toolId)?.kind === "tool" ? null : <Question block={block} />;
}

export function Question({ block }: { block: Block }) {
  const props = block.props.value;
  const decision = str(props.decision);
  const prompt = str(props.prompt) ?? PROMPTS[str(props.approval_kind) ?? "tool"] ?? "The run waits for your answer.";
  if (decision !== null) {
    const reason = str(props.reason);
    return (
      <div class="nb-line">
        <Icon name={decision === "approve" ? "check" : "denied"} tone={decision === "approve" ? "ok" : "off"} />
        <span>
          <strong>{DECISIONS[decision] ?? decision}</strong>
          <span class="nb-muted">
            {" "}
            {prompt}
            {reason && ` · ${reason}`}
          </span>
        </span>
      </div>
    );
  }
  const options = Array.isArray(props.options) ? props.options.filter((option) => typeof option === "string") : [];
  return (
    <div class={`nb-approval ${block.closed.value ? "" : "nb-approval-open"}`}>
      <p>
        {prompt}
        {block.closed.value && <span class="nb-muted"> (not answered)</span>}
      </p>
      {props.args !== undefined && props.args !== null && (
        <Lazy value={props.args}>{(args) => <Fields args={args} />}</Lazy>
      )}
      {options.length > 0 && <p class="nb-muted">Possible answers: {options.join(", ")}</p>}
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

const PROMPTS: Record<string, string> = {
  tool: "May this tool run?",
  input: "The run asks for your input.",
  auth: "The run asks you to sign in.",
};
