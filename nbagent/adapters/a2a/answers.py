"""Answers in A2A's form: a message to the task that requires input.

Source: https://a2a-protocol.org/latest/specification/#multi-turn-interactions. Hector has a part of
its own for the approval of a call (github.com/verikod/hector 41134591, pkg/server/executor.go).
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm, meta_of
from nbagent.adapters.base.fields import entries_in, fields_or_empty, to_jsonable


class A2AAnswers(AnswerForm):
    """The form of A2A. A call runs with the arguments that the model wrote."""

    systems: ClassVar[tuple[str, ...]] = ("a2a",)

    def value(self, answered: Sequence[Answered], last: Any) -> list[dict[str, Any]]:
        """Return the parts of the message."""
        return [_part(each) for each in answered]

    def next_request(
        self, url: str, body: Any, answered: Sequence[Answered]
    ) -> tuple[str, Any] | None:
        """Return the same request with a message to the task, by JSON-RPC or REST as before."""
        if not isinstance(body, Mapping):
            return None
        params = fields_or_empty(body.get("params"))
        before = fields_or_empty(params.get("message") or body.get("message"))
        if not before:
            return None
        parts = self.value(answered, None)
        if not _has_kinds(before):  # since version 1.0 the field's name says what a part is
            for part in parts:
                del part["kind"]
        ids = _ids_of_task(answered)
        message = {**before, "messageId": str(uuid.uuid4()), "parts": parts, **ids}
        if not params:
            return url, {**body, "message": message}
        return url, {**body, "id": str(uuid.uuid4()), "params": {**params, "message": message}}


def _has_kinds(message: Mapping[str, Any]) -> bool:
    parts = entries_in(message, "parts")
    return any("kind" in each for each in (message, *map(fields_or_empty, parts)))


def _ids_of_task(answered: Sequence[Answered]) -> dict[str, Any]:
    """Return the ids of the first task and context that a question names."""
    for each in answered:
        meta = meta_of(each.request)
        if meta.get("taskId"):
            return {name: meta[name] for name in ("taskId", "contextId") if meta.get(name)}
    return {}


def _part(answered: Answered) -> dict[str, Any]:
    request, response = answered
    if request.kind == "tool":
        decision = {
            "type": "tool_approval",
            "decision": "approve" if answered.is_approved else "deny",
            "tool_call_id": request.approval_id,
            "task_id": meta_of(request).get("taskId"),
        }
        return {"kind": "data", "data": decision}
    if not answered.is_approved:
        text = response.reason or "No"
    elif response.value is None:
        text = "Yes"
    elif isinstance(response.value, str):
        text = response.value
    else:
        text = json.dumps(to_jsonable(response.value), ensure_ascii=False)
    return {"kind": "text", "text": text}
