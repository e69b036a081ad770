"""Questions to the reader and their answers, in words."""

from typing import Any

from nbagent.blocks.fields import Props, text_of
from nbagent.protocol.shared import LABELS, LIMITS, fill
from nbagent.render.json_text import clip, compact


def prompt_label(approval: Props) -> str:
    """Return the question that an approval asks."""
    if approval.get("approval_kind") == "stop":
        return stop_label(approval)
    if prompt := text_of(approval, "prompt"):
        return prompt
    prompts, kind = LABELS["prompt"], text_of(approval, "approval_kind") or "tool"
    return prompts.get(kind, prompts["other"])


def stop_label(approval: Props) -> str:
    """Return the reason of a stop at a breakpoint, in words."""
    reason, stage = text_of(approval, "prompt"), text_of(approval, "stage")
    labels: dict[str, str] = LABELS["stage"]
    if stage == "request":
        return fill(labels["request"], reason or labels["model"])
    if reason in ("", "step"):
        return labels["result" if stage == "result" else "call"]
    return LABELS["stop"].get(reason) or fill(labels["other"], reason)


def decision_label(approval: Props) -> str:
    """Return the label of a decision: `Approved, and all further calls`; empty if there is none."""
    decision = text_of(approval, "decision")
    label: str = LABELS["decision"].get(decision, decision)
    if decision != "approve":
        return label
    kind = text_of(approval, "approval_kind")
    if kind == "stop":
        label = LABELS["gone_on"].get(text_of(approval, "stage"), label)
    else:
        label = LABELS["approved"].get(kind, label)
    if approval.get("remember") is True:
        return fill(LABELS["approval"]["remember"], label)
    return label


def unanswered_note(approval: Props) -> str:
    """Return what stands behind a question that has no answer: that it waits for one, or will get
    none.
    """
    if approval.get("closed"):
        return LABELS["approval"]["unanswered"]
    return LABELS["approval"]["waiting"]


def decision_details(approval: Props) -> list[str]:
    """Return the details of a decision: the question in words, the changes or the answer, and the
    reason.
    """
    question = text_of(approval, "prompt")
    if approval.get("approval_kind") == "stop":
        question = stop_label(approval)
    details = [question, *changes(approval), text_of(approval, "reason")]
    return list(filter(None, details))


def is_permitted(approval: Props) -> bool:
    """Return True if a question's answer lets the run go on; see `ApprovalResponse.permits`."""
    return text_of(approval, "decision") not in ("", "deny", "cancel")


def changes(approval: Props) -> list[str]:
    """Return the changes that an answer makes, `limit: 1000 → 10`, or the input that it gives; none
    if there is neither.
    """
    args, value = approval.get("args"), approval.get("value")
    if value is None:
        return []
    given = text_of(approval, "approval_kind") in ("input", "auth")
    if given or not isinstance(args, dict) or not isinstance(value, dict):
        return [_shown(value)]
    found, most = _differences(args, value, ""), LIMITS["label_changes"]
    if len(found) <= most:
        return found
    return [*found[:most], fill(LABELS["approval"]["more"], str(len(found) - most))]


def _differences(before: Any, after: Any, path: str) -> list[str]:
    labels = LABELS["approval"]
    if not isinstance(before, dict) or not isinstance(after, dict):
        if compact(before) == compact(after):
            return []
        return [fill(labels["changed"], path, _shown(before), _shown(after))]
    found: list[str] = []
    for key in {**before, **after}:
        name = key
        if path:
            name = f"{path}.{key}"
        if key not in after:
            found.append(fill(labels["removed"], name))
        elif key not in before:
            found.append(fill(labels["added"], name, _shown(after[key])))
        else:
            found += _differences(before[key], after[key], name)
    return found


def _shown(value: Any) -> str:
    if not isinstance(value, str):
        value = compact(value)
    return clip(value, LIMITS["label_value_chars"])
