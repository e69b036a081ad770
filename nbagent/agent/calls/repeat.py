"""`repeatable`: the way to make a tool call again, which travels with the call's start."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

from nbagent import events as e
from nbagent.agent.calls.breakpoint_prompts import BreakpointPrompts
from nbagent.agent.calls.calls import Calls
from nbagent.agent.calls.questions import Questions
from nbagent.agent.run.limits import Spending
from nbagent.agent.run.params import RunParams
from nbagent.agent.tools.current_tool import current_tool
from nbagent.agent.tools.tool import AnyTool
from nbagent.errors import ToolError


def repeatable(
    tool: AnyTool,
    params: RunParams | None = None,
    filled_in: Mapping[str, Any] = MappingProxyType({}),
) -> e.Live:
    """Return the way to make a call of a tool again, for `tool.start`.

    Args:
        tool: that is called.
        params: of the agent's run; None for a call by other code.
        filled_in: objects that a framework gave the call besides the model's arguments, by name.
    """
    return e.Live(RepeatableCall(tool, params or _params_of(tool), filled_in))


class RepeatableCall:
    """A call that can be made again by its reader.

    It asks for no permission, and stops at no breakpoint.

    Args:
        tool: that is called.
        params: of the run.
        filled_in: objects that the function gets besides the arguments, by name.

    Attributes:
        arguments: of the call, as its tool got them; None while they stream in.
    """

    def __init__(self, tool: AnyTool, params: RunParams, filled_in: Mapping[str, Any]) -> None:
        self._tool = tool
        self._params = params
        self._filled_in = filled_in
        self.arguments: dict[str, Any] | None = None

    def form(self) -> dict[str, Any]:
        """Return the schema of the arguments as the function takes them now, and whether a call
        asks for `force`.
        """
        tool, _ = current_tool(self._tool)
        return {"schema": tool.schema, "once": _is_once(tool)}

    def attempt(
        self,
        id: str,
        arguments: dict[str, Any],
        emit: Callable[[e.Event], Awaitable[None]],
        *,
        force: bool,
    ) -> tuple[Coroutine[Any, Any, e.ToolResult], str | None]:
        """Return a coroutine that calls the function as it is now; see
        `nbagent.events.Repeatable`.
        """
        tool, note = current_tool(self._tool)
        if _is_once(tool) and not force:
            raise ToolError(
                f"{tool.name} is marked once=True, it must not be called twice; rerun(force=True) "
                "calls it all the same"
            )
        tool.check(arguments)
        if self._filled_in:
            tool = tool.with_function(partial(tool.function, **self._filled_in))
        questions = Questions(emit)
        spending = Spending(self._params.name, self._params)
        calls = Calls(self._params, questions, emit, _drop, spending, BreakpointPrompts(questions))
        return calls.attempt(e.ToolStart(id=id, name=tool.name), tool, arguments), note


def _is_once(tool: AnyTool) -> bool:
    return getattr(tool, "once", False) is True


def _params_of(tool: AnyTool) -> RunParams:
    """Return the parameters of a call that no agent makes: it has no model."""
    return RunParams(name=tool.name, tools={}, connection=cast(Any, None))


async def _drop(output: Any) -> None:
    """Keep nothing: the model reads the first result only."""
