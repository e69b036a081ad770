"""Agents at work inside a tool call of another one: their runs appear as sub-agents in its run."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from nbagent import events as e
from nbagent.agent.calls.context import CURRENT_CALL, CallContext
from nbagent.agent.calls.nested import NestedEvents, check_depth
from nbagent.agent.run.outcome import Outcome
from nbagent.agent.tools.tool import Tool
from nbagent.agent.tools.toolset import model_name
from nbagent.errors import ToolError
from nbagent.runtime import loop

if TYPE_CHECKING:
    from nbagent.agent.agent_loop import AgentLoop
    from nbagent.agent.agent_parts import AgentParts

_TASK = "The task in full. The agent knows nothing else of this conversation."

Start: TypeAlias = Callable[[Any, CallContext], "AgentLoop"]
"""Makes the run of a prompt, as a part of the run of a call."""


class AgentTool(Tool[..., Any]):
    """A tool that gives an agent a task and returns its answer.

    Args:
        agent: that works in its calls.
        name: of the tool.
        description: of the agent.
        timeout, approve: of the tool.
        first: makes the agent's run in the first call; None for the agent itself, which makes all
            others.

    Raises:
        ToolError: the name is not valid.
    """

    def __init__(
        self,
        agent: "AgentParts",
        name: str,
        description: str,
        timeout: float | None = None,
        approve: bool | Callable[[dict[str, Any]], bool] = False,
        first: Start | None = None,
    ) -> None:
        self.agent = agent
        starts = iter(() if first is None else (first,))

        async def ask(task: Annotated[str, _TASK]) -> Any:
            context = CURRENT_CALL.get()
            if context is None:
                raise ToolError(
                    f"{name}: an agent as a tool runs only inside the run of another agent"
                )
            start = next(starts, agent.start_inside)
            return await run_inside(context, lambda: start(task, context))

        super().__init__(ask, name=name, description=description, timeout=timeout, approve=approve)

    def __reduce__(self) -> Any:
        """Return what makes an equal tool in another process."""
        return AgentTool, (self.agent, self.name, self.description, self.timeout, self.approve)

    def begun_by(self, first: Start) -> "AgentTool":
        """Return this tool with the agent's run in its first call made by `first`."""
        return AgentTool(self.agent, self.name, self.description, self.timeout, self.approve, first)


async def run_inside(context: CallContext, start: Callable[[], "AgentLoop"]) -> Any:
    """Run an agent inside a tool call of another agent's run, and return its answer.

    May be awaited on any loop.

    Its events appear inside the call's panel, its questions reach the reader of the outer run, and
    what it spends counts there too. Cancelling stops it.

    Args:
        context: of the call.
        start: makes the agent's run.

    Raises:
        ToolError: too many agents are at work one inside another.
        AgentError: the run did not complete.
    """
    check_depth(context)
    run = _run(context, start())
    return await (run if loop.is_current() else asyncio.wrap_future(loop.submit(run)))


async def _run(context: CallContext, agent_loop: "AgentLoop") -> Any:
    params = agent_loop.params
    outcome = Outcome(params.name, params.max_steps)
    nested = NestedEvents(context, params.name)
    context.conversations[nested.id] = agent_loop.conversation
    params.inside = context.id_of_agent(nested.id)
    scope = f"{model_name(params.name)}/"  # no tool's name has a slash
    params.allowed.update(
        name.removeprefix(scope) for name in context.allowed if name.startswith(scope)
    )

    async def put(event: e.Event) -> None:
        outcome.feed(event)
        for nested_event in nested.translate(event):
            await context.emit(nested_event)

    await agent_loop.run(put)
    context.allowed.update(scope + name for name in params.allowed)
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError  # the run has emitted its end, and returned
    return outcome.answer(agent_loop.failure)
