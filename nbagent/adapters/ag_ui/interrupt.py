"""Interrupts of AG-UI as questions (https://docs.ag-ui.com/concepts/interrupts)."""

from collections.abc import Mapping
from typing import Any, Literal

from nbagent.adapters.ag_ui.messages import RunMessages
from nbagent.adapters.base.fields import str_field, to_jsonable


def question_kind(interrupt: Mapping[str, Any], *, has_call: bool) -> Literal["tool", "input"]:
    """Return "tool" for a question that permits a call, "input" for any other.

    Args:
        interrupt: the interrupt.
        has_call: whether it names a call of the run.
    """
    reason = str_field(interrupt, "reason", default="")
    if "approval" in reason:
        return "tool"
    if has_call and not reason.endswith("_required"):
        return "tool"
    return "input"


def answer_meta(interrupt: Mapping[str, Any], messages: RunMessages) -> dict[str, Any]:
    """Return what the request with the answer needs of the interrupt.

    Args:
        interrupt: the interrupt.
        messages: of the run so far.
    """
    meta: dict[str, Any] = {}
    for name in ("reason", "expiresAt", "metadata", "payload"):
        if interrupt.get(name):
            meta[name] = to_jsonable(interrupt[name])
    meta["messages"] = to_jsonable(messages.as_list())
    meta["arguments"] = messages.arguments_of(str_field(interrupt, "toolCallId"))
    return meta
