"""Answers in Pydantic AI's form: `DeferredToolResults`, with which another run of the agent begins.

Source: https://ai.pydantic.dev/deferred-tools/ (2.68).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm, editable
from nbagent.events import ApprovalRequest


class PydanticAIAnswers(AnswerForm):
    """The form of Pydantic AI."""

    systems: ClassVar[tuple[str, ...]] = ("pydantic.ai",)

    def offer(self, request: ApprovalRequest) -> ApprovalRequest:
        """Offer to change the arguments of a call that waits for permission."""
        if request.kind == "tool":
            return editable(request)
        return request

    def value(self, answered: Sequence[Answered], last: Any) -> Any:
        """Return `DeferredToolResults`: decisions on calls that wait for permission, results of
        those run elsewhere.
        """
        from pydantic_ai import DeferredToolResults, ModelRetry, ToolApproved, ToolDenied

        results = DeferredToolResults()
        for each in answered:
            request, response = each
            id = request.approval_id
            if request.kind == "input":
                denial = response.reason or "The user gave no result."
                results.calls[id] = response.value if each.is_approved else ModelRetry(denial)
            elif not each.is_approved:
                results.approvals[id] = (
                    ToolDenied(response.reason) if response.reason else ToolDenied()
                )
            else:
                changed = None
                if response.value != request.args:
                    changed = response.value
                results.approvals[id] = ToolApproved(override_args=changed)
        return results
