"""Answers in the form of Vercel's AI SDK: approvals by their ids, in the messages of an app's next request.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/chatbot-tool-usage (version 7).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm
from nbagent.events import ApprovalRequest


class VercelAnswers(AnswerForm):
    """The form of the AI SDK: the arguments of `addToolApprovalResponse`."""

    systems: ClassVar[tuple[str, ...]] = ("vercel.ui",)

    def asks(self, request: ApprovalRequest) -> bool:
        """Return False for an approval that the app's rules give."""
        return (request.meta or {}).get("isAutomatic") is not True

    def value(self, answered: Sequence[Answered], last: Any) -> list[dict[str, Any]]:
        """Return `{id, approved, reason?}` of each approval."""
        return [
            {"id": each.request.approval_id, "approved": each.is_approved}
            | ({"reason": each.response.reason} if each.response.reason else {})
            for each in answered
        ]
