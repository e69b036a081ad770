"""Answers in the form of the OpenAI Agents SDK: decisions on the state of a run, with which another
run begins.

Source: https://openai.github.io/openai-agents-python/human_in_the_loop/ (0.24).
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from nbagent.adapters.base.answers import Answered, AnswerForm
from nbagent.adapters.base.fields import get_field
from nbagent.events import ApprovalRequest


class AgentsAnswers(AnswerForm):
    """The form of the Agents SDK. A call runs with the arguments that the model wrote."""

    systems: ClassVar[tuple[str, ...]] = ("openai.agents",)

    def offer(self, request: ApprovalRequest) -> ApprovalRequest:
        """Offer to allow a tool for the rest of the run."""
        return replace(request, can_remember=request.kind == "tool")

    def value(self, answered: Sequence[Answered], last: Any) -> Any:
        """Return the `RunState` of the run, with a decision on each of its interruptions.

        Args:
            answered: whose ids are those of the calls.
            last: the run, `RunResultStreaming` or `RunResult`.
        """
        state = last.to_state()
        by_id = {request.approval_id: response for request, response in answered}
        for item in state.get_interruptions():
            raw = item.raw_item
            response = by_id.get(str(get_field(raw, "call_id") or get_field(raw, "id")))
            if response is not None and response.decision == "approve":
                state.approve(item, always_approve=response.remember)
            else:
                state.reject(item, rejection_message=response.reason if response else None)
        return state

    def continues(self, source: Any) -> bool:
        """Return True for a run of the SDK."""
        return callable(getattr(source, "to_state", None))

    async def next_stream(self, source: Any, value: Any) -> Any:
        """Return the run that goes on with the state, with the agent and context of the run before
        it.
        """
        from agents import Runner

        return Runner.run_streamed(source.last_agent, value)
