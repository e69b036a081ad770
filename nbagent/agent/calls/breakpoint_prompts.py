"""`BreakpointPrompts`: asks the reader at the breakpoints of the run around."""

from collections.abc import Callable
from itertools import count
from typing import Any

from nbagent import events as e
from nbagent.agent.calls.questions import Questions
from nbagent.agent.tools.tool import AnyTool
from nbagent.run_context import CURRENT_RUN, Breakpoints


def breakpoints_here() -> Breakpoints | None:
    """Return the breakpoints that hold for the code that runs; None outside of runs."""
    around = CURRENT_RUN.get()
    if around is None:
        return None
    return around.breakpoints


class BreakpointPrompts:
    """Asks the reader at breakpoints, one question for each stop.

    Args:
        questions: asks the run's reader.
    """

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._numbers = count(1)

    async def before_request(self, number: int, model: str, tools: int) -> None:
        """Ask before a request to the model, where the run stops for each.

        Args:
            number: of the request, from 1.
            model: its name.
            tools: number of the tools that it may call.
        """
        breakpoints = breakpoints_here()
        if breakpoints is not None and breakpoints.at_request():
            prompt = (
                f"request {number} to {model}, with {tools} {'tool' if tools == 1 else 'tools'}"
            )
            await self._ask(
                e.ApprovalRequest(
                    approval_id=self._new_id("request"), kind="stop", stage="request", prompt=prompt
                )
            )

    async def before_call(
        self,
        start: e.ToolStart,
        tool: AnyTool,
        arguments: dict[str, Any],
        reason: str,
        *,
        can_remember: bool,
    ) -> e.ApprovalResponse:
        """Ask before a call.

        Args:
            start: of the call.
            tool: that is called.
            arguments: of the call.
            reason: why the run stops.
            can_remember: whether the tool asks for permission, which the reader may give for good.
        """
        return await self._ask_about(
            start, tool, arguments, reason, stage="call", can_remember=can_remember
        )

    async def after_call(
        self,
        start: e.ToolStart,
        tool: AnyTool,
        arguments: dict[str, Any],
        result: e.ToolResult,
        reason: str,
    ) -> e.ApprovalResponse:
        """Ask after a call; its result is shown, as one that may change.

        Args:
            start: of the call.
            tool: that was called.
            arguments: of the call.
            result: of the call.
            reason: why the run stops.
        """
        return await self._ask_about(
            start, tool, arguments, reason, stage="result", result=result.content
        )

    async def _ask_about(
        self,
        start: e.ToolStart,
        tool: AnyTool,
        arguments: dict[str, Any],
        reason: str,
        **fields: Any,
    ) -> e.ApprovalResponse:
        request = e.ApprovalRequest(
            approval_id=self._new_id(start.id),
            tool_id=start.id,
            kind="stop",
            prompt=reason,
            args=arguments,
            schema=tool.schema,
            **fields,
        )
        return await self._ask(request, tool.check)

    async def _ask(
        self, request: e.ApprovalRequest, check: Callable[[Any], None] = lambda value: None
    ) -> e.ApprovalResponse:
        return await self._questions.ask(request, check)

    def _new_id(self, about: str) -> str:
        return f"{about}/stop-{next(self._numbers)}"
