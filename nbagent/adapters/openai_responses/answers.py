"""Answers in the form of the Responses API: items of type `mcp_approval_response` in the input of
the next request.

Source: https://platform.openai.com/docs/guides/tools-connectors-mcp#approvals.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm, meta_of


class ResponsesAnswers(AnswerForm):
    """The form of the Responses API. A call runs with the arguments that the model wrote."""

    systems: ClassVar[tuple[str, ...]] = ("openai.responses",)

    def value(self, answered: Sequence[Answered], last: Any) -> list[dict[str, Any]]:
        """Return the items."""
        return [
            {
                "type": "mcp_approval_response",
                "approval_request_id": request.approval_id,
                "approve": response.decision == "approve",
            }
            | ({"reason": response.reason} if response.reason else {})
            for request, response in answered
        ]

    def next_request(
        self, url: str, body: Any, answered: Sequence[Answered]
    ) -> tuple[str, Any] | None:
        """Return the same request with these items as its input, after the response that asked,
        which the service keeps.
        """
        if not isinstance(body, Mapping) or body.get("store") is False or "input" not in body:
            return None
        before = next(
            (
                meta["response_id"]
                for each in answered
                if (meta := meta_of(each.request)).get("response_id")
            ),
            None,
        )
        after = {} if body.get("conversation") else {"previous_response_id": before}
        return url, {**body, "input": self.value(answered, None), **after}
