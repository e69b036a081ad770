"""Answers in MCP's form: responses to `elicitation/create`, or the call once more with its input.

Source: https://modelcontextprotocol.io/specification/draft/client/elicitation, and `mcp` 2.3.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm, meta_of
from nbagent.adapters.base.json_rpc import elicitation_result, response_to


class McpAnswers(AnswerForm):
    """The form of MCP."""

    systems: ClassVar[tuple[str, ...]] = ("mcp",)
    has_messages: ClassVar[bool] = True

    def message(self, answered: Answered) -> dict[str, Any]:
        """Return the JSON-RPC response."""
        return response_to(answered.request, elicitation_result(answered))

    def value(self, answered: Sequence[Answered], last: Any) -> dict[str, Any]:
        """Return `inputResponses`, by the names of the requests of a result that requires input."""
        return {each.request.approval_id: elicitation_result(each) for each in answered}

    def next_request(
        self, url: str, body: Any, answered: Sequence[Answered]
    ) -> tuple[str, Any] | None:
        """Return the call once more, with `inputResponses` and the server's `requestState`."""
        if not isinstance(body, Mapping) or not isinstance(body.get("params"), Mapping):
            return None
        params = {**body["params"], "inputResponses": self.value(answered, None)}
        states = (meta_of(each.request).get("state") for each in answered)
        state = next(filter(None, states), None)
        if state is not None:
            params["requestState"] = state
        number = body.get("id")
        if isinstance(number, int):
            number += 1
        return url, {**body, "id": number, "params": params}
