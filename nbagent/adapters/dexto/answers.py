"""Answers in Dexto's form: `POST /api/approvals/{approvalId}`, or the event `approval:response`.

Source: https://github.com/truffle-ai/dexto (ea2b186), packages/server/src/hono/routes/approvals.ts,
packages/core/src/approval.
"""

import re
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit, urlunsplit

from msgspec.structs import replace

from nbagent.adapters.base.answers import Answered, AnswerForm, meta_of
from nbagent.adapters.dexto.vocabulary import DECISIONS
from nbagent.events import ApprovalRequest

_STATUSES = {decision: status for status, decision in DECISIONS.items()}
_REASONS = {"deny": "user_denied", "cancel": "user_cancelled"}


class DextoAnswers(AnswerForm):
    """The form of Dexto. A call runs with the arguments that the model wrote."""

    systems: ClassVar[tuple[str, ...]] = ("dexto",)
    has_messages: ClassVar[bool] = True
    has_posts: ClassVar[bool] = True

    def offer(self, request: ApprovalRequest) -> ApprovalRequest:
        """Offer to allow a tool for the rest of the session; a command is allowed once."""
        return replace(request, can_remember=meta_of(request).get("type") == "tool_approval")

    def message(self, answered: Answered) -> dict[str, Any]:
        """Return the event `approval:response`."""
        body = _body(answered)
        data = {name: body.pop(name) for name in ("formData", "rememberChoice") if name in body}
        session = meta_of(answered.request).get("session")
        message = {"type": "approval:response", "approvalId": answered.request.approval_id, **body}
        if session:
            message["sessionId"] = session
        if data:
            message["data"] = data
        return message

    def post(self, url: str, answered: Answered) -> tuple[str, Any]:
        """Return the request to the server whose stream asked."""
        parts = urlsplit(url)
        prefix, _, rest = re.sub(r"/chat/stream$", "/api/chat", parts.path).partition("/api/")
        if not rest:
            prefix = ""
        path = f"{prefix}/api/approvals/{quote(answered.request.approval_id, safe='')}"
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")), _body(answered)


def _body(answered: Answered) -> dict[str, Any]:
    request, response = answered
    body: dict[str, Any] = {"status": _STATUSES[response.verdict]}
    if not answered.is_approved:
        body["reason"] = _REASONS[response.decision]
        if response.reason:
            body["message"] = response.reason
    elif request.kind == "input":
        body["formData"] = (
            response.value if isinstance(response.value, dict) else {"response": response.value}
        )
    elif response.remember:
        body["rememberChoice"] = True
    return body
