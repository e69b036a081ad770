"""Answers in the form of the Assistants API: the outputs of the calls that a run requires.

Source: https://platform.openai.com/docs/api-reference/runs/submitToolOutputs.
"""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm, meta_of
from nbagent.adapters.base.fields import to_jsonable


class AssistantsAnswers(AnswerForm):
    """The form of the Assistants API."""

    systems: ClassVar[tuple[str, ...]] = ("openai.assistants", "nearai")

    def value(self, answered: Sequence[Answered], last: Any) -> list[dict[str, Any]]:
        """Return `tool_outputs`."""
        return [
            {"tool_call_id": each.request.approval_id, "output": _output(each)} for each in answered
        ]

    def next_request(
        self, url: str, body: Any, answered: Sequence[Answered]
    ) -> tuple[str, Any] | None:
        """Return the request that submits the outputs to the run."""
        base, slash, _ = url.partition("/threads")
        if not slash:
            return None
        meta = meta_of(answered[0].request) if answered else {}
        path = f"/threads/{meta.get('thread_id')}/runs/{meta.get('run_id')}/submit_tool_outputs"
        return f"{base}{path}", {"tool_outputs": self.value(answered, None), "stream": True}


def _permission(answered: Answered) -> dict[str, Any]:
    """Return the answer to a permission, which runs that nbagent serves ask for."""
    response = answered.response
    if not answered.is_approved:
        return {"approved": False, "reason": response.reason}
    return {"approved": True, "args": to_jsonable(response.value)}


def _output(answered: Answered) -> str:
    response = answered.response
    if answered.request.kind == "tool":
        return json.dumps(_permission(answered), ensure_ascii=False)
    if not answered.is_approved:
        return response.reason or "The user gave no result."
    value = response.value
    if isinstance(value, str):
        return value
    return json.dumps(to_jsonable(value), ensure_ascii=False)
