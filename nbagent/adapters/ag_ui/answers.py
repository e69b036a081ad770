"""Answers in AG-UI's form: entries of `resume` in the input of the next run.

Source: https://docs.ag-ui.com/concepts/interrupts, and `ResumeEntry` of `ag-ui-protocol` 1.0. A
tool's approval is answered by `{"approved": …, "editedArgs"?: …, "reason"?: …}`.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from nbagent.adapters.base.answers import Answered, AnswerForm, editable, meta_of
from nbagent.adapters.base.fields import entries_in, fields_or_empty, parse_args
from nbagent.events import ApprovalRequest


class AguiAnswers(AnswerForm):
    """The form of AG-UI."""

    systems: ClassVar[tuple[str, ...]] = ("ag_ui",)

    def offer(self, request: ApprovalRequest) -> ApprovalRequest:
        """Offer to change the arguments of a call, if the schema of the answer has a field for
        them.
        """
        if request.kind != "tool":
            return request
        edited = fields_or_empty(
            fields_or_empty((request.schema or {}).get("properties")).get("editedArgs")
        )
        args, schema = request.args, None
        arguments = meta_of(request).get("arguments")
        if args is None and arguments:
            args, _ = parse_args(arguments)
        if edited.get("properties"):
            schema = dict(edited)
        request = replace(request, args=args, schema=schema)
        if edited:
            return editable(request)
        return request

    def value(self, answered: Sequence[Answered], last: Any) -> list[dict[str, Any]]:
        """Return the entries of `resume`."""
        return list(map(_entry, answered))

    def next_request(
        self, url: str, body: Any, answered: Sequence[Answered]
    ) -> tuple[str, Any] | None:
        """Return the input of the next run: with the answers, and the messages of the run that
        asked.
        """
        if not isinstance(body, Mapping) or "threadId" not in body:
            return None
        asking = [meta_of(each.request) for each in answered]
        own: list[Any] = next((meta["messages"] for meta in asking if meta.get("messages")), [])
        ids = {message.get("id") for message in own}
        messages = [
            *(message for message in entries_in(body, "messages") if message.get("id") not in ids),
            *own,
        ]
        return url, {
            **body,
            "runId": str(uuid.uuid4()),
            "messages": messages,
            "resume": self.value(answered, None),
        }


def _entry(answered: Answered) -> dict[str, Any]:
    entry: dict[str, Any] = {"interruptId": answered.request.approval_id}
    if answered.response.decision == "cancel":
        return {**entry, "status": "cancelled"}
    return {**entry, "status": "resolved", "payload": _payload(answered)}


def _payload(answered: Answered) -> Any:
    request, response = answered
    if request.kind != "tool":
        if response.value is not None:
            return response.value
        return answered.is_approved
    if not answered.is_approved:
        return {"approved": False} | ({"reason": response.reason} if response.reason else {})
    is_changed = response.value is not None and response.value != request.args
    return {"approved": True} | ({"editedArgs": response.value} if is_changed else {})
