"""Answers in the form of Vercel's AI SDK: approvals by their ids, in the messages of an app's next
request.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/chatbot-tool-usage (version 7).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm, meta_of
from nbagent.events import ApprovalRequest

_SERVED = re.compile(r"run-[\w-]+:")


class VercelAnswers(AnswerForm):
    """The form of the AI SDK: the arguments of `addToolApprovalResponse`."""

    systems: ClassVar[tuple[str, ...]] = ("vercel.ui",)

    def asks(self, request: ApprovalRequest) -> bool:
        """Return False for an approval that the app's rules give."""
        return meta_of(request).get("isAutomatic") is not True

    def reaches(self, request: ApprovalRequest) -> bool:
        """Return True for a question of `nbagent.serve`, whose id names its run.

        Another app wants its own messages.
        """
        return _SERVED.match(request.approval_id) is not None

    def next_request(
        self, url: str, body: Any, answered: Sequence[Answered]
    ) -> tuple[str, Any] | None:
        """Return the request with the answers in an assistant's message."""
        if not isinstance(body, Mapping) or "messages" not in body:
            return None
        parts = [
            {"type": "dynamic-tool", "state": "approval-responded", "approval": each}
            for each in self.value(answered, None)
        ]
        return url, {**body, "messages": [*body["messages"], {"role": "assistant", "parts": parts}]}

    def value(self, answered: Sequence[Answered], last: Any) -> list[dict[str, Any]]:
        """Return `{id, approved, reason?}` of each approval."""
        return [
            {"id": each.request.approval_id, "approved": each.is_approved}
            | ({"reason": each.response.reason} if each.response.reason else {})
            for each in answered
        ]
