"""A question of a run of `nbagent.serve`, in the streams of systems that have none.

It is the field `question` of an item that their clients read anyway, with the fields of an approval
request, the name of the `tool`, and the path that takes the answer, `answers`.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urljoin

import msgspec

from nbagent.adapters.base.answers import Answered, AnswerForm, meta_of
from nbagent.adapters.base.fields import (
    fields_or_empty,
    nonempty_str,
    schema_or_none,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.text_forms import without_none
from nbagent.events import ApprovalRequest

# a path only: an answer goes to the server that asked
_ANSWERS = re.compile(r"(/[\w.~%-]+)*/runs/run-[\w-]+/answers")
_KINDS = ("tool", "input", "auth", "stop")


def question_of(request: ApprovalRequest, tool: str | None, answers: str) -> dict[str, Any]:
    """Return a question as JSON.

    Args:
        request: the question.
        tool: name of the tool that it is about; None if it is about no call.
        answers: path of the server that takes the answer.
    """
    about = without_none(prompt=request.prompt, options=request.options, schema=request.schema)
    asked = {
        "id": request.approval_id,
        "kind": request.kind,
        "tool": tool,
        "args": request.args,
        **about,
    }
    return {**asked, "can_remember": request.can_remember, "answers": answers}


def words_of(question: Mapping[str, Any]) -> str:
    """Return a question in words, for the reader of a client that does not know it."""
    about = question.get("prompt") or question["tool"] or question["kind"]
    if question["kind"] == "tool" and question["tool"]:
        what = f"permission to call {question['tool']}"
    else:
        what = f"an answer: {about}"
    return (
        f"Waiting for {what}. POST {question['answers']} takes "
        f"{json.dumps({'id': question['id'], 'decision': 'approve'})}"
    )


def request_of(question: Any, tool_id: str | None) -> ApprovalRequest | None:
    """Return the question that an item has; None if it is none of a served run.

    Args:
        question: the item's field `question`.
        tool_id: id of the call that it is about.
    """
    payload = fields_or_empty(question)
    approval_id, answers, kind = (str_field(payload, name) for name in ("id", "answers", "kind"))
    if not approval_id or not answers or _ANSWERS.fullmatch(answers) is None:
        return None
    options, schema = payload.get("options"), payload.get("schema")
    return ApprovalRequest(
        approval_id=approval_id,
        tool_id=tool_id,
        kind=kind if kind in _KINDS else "tool",  # type: ignore[arg-type]
        prompt=nonempty_str(payload.get("prompt")),
        args=to_jsonable(payload.get("args")),
        options=[str(each) for each in options] if isinstance(options, list) else None,
        schema=schema_or_none(schema),
        can_remember=payload.get("can_remember") is True,
        meta={"answers": answers},
    )


class ServedAnswers(AnswerForm):
    """Answers to a served run: a request to the path that the question names, or a message over its
    WebSocket.
    """

    systems: ClassVar[tuple[str, ...]] = ("hector", "status.tokens", "agentor")
    has_messages: ClassVar[bool] = True
    has_posts: ClassVar[bool] = True

    def reaches(self, request: ApprovalRequest) -> bool:
        """Return True for a question that names the path of its answer."""
        return "answers" in meta_of(request)

    def message(self, answered: Answered) -> Any:
        """Return the message for the WebSocket; None for a question of another server."""
        if not self.reaches(answered.request):
            return None
        fields = _fields(answered)
        return {"answer": fields.pop("id"), **fields}

    def post(self, url: str, answered: Answered) -> tuple[str, Any]:
        """Return the request to the server whose stream asked."""
        return urljoin(url, meta_of(answered.request)["answers"]), _fields(answered)


def _fields(answered: Answered) -> dict[str, Any]:
    response = answered.response
    fields = {
        "id": answered.request.approval_id,
        "decision": response.decision,
        "value": response.value,
    }
    kept: dict[str, Any] = msgspec.to_builtins(
        {**fields, "reason": response.reason, "remember": response.remember}
    )
    return kept
