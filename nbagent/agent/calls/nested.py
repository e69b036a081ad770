"""Runs inside a tool call, shown as sub-agents in its panel."""

import asyncio

from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent.calls.context import CallContext
from nbagent.errors import AgentError, ToolError
from nbagent.events.agent_end import agent_end
from nbagent.events.ids import with_id_prefix
from nbagent.gate import secrets
from nbagent.run import Run
from nbagent.runtime.loop import OwnedStream

MAX_DEPTH = 5
"""Agents that may be at work one inside another."""


async def answer_of(stream: OwnedStream | Run, context: CallContext, limit_s: float | None) -> str:
    """Show a stream inside a call's panel, and return its answer. Cancelling stops it.

    Its questions reach the reader of the outer run, and the tokens that it reports count there.

    Args:
        stream: that the call's tool has returned.
        context: of the call.
        limit_s: seconds that the stream may take; None is no limit. A run has its own.

    Raises:
        ToolError: too many agents are at work one inside another.
        AgentError: the stream did not end well.
    """
    check_depth(context)
    run = stream if isinstance(stream, Run) else Run(stream, reveal="all", timeout=limit_s)
    nested = NestedEvents(context, context.name)
    run.start()
    try:
        async for event in run.stream():
            for each in nested.translate(event):
                await context.emit(each)
    except asyncio.CancelledError:
        for each in nested.translate(e.RunEnd(status="cancelled")):
            await context.emit(each)
        raise
    finally:
        run.cancel()
    if run.usage != e.Usage():
        context.spending.add(run.usage)
    if run.status == "completed":
        return run.answer or run.text
    reason = run.status if run.error is None else secrets.mask(str(run.error))
    code = getattr(run.error, "code", None)
    raise AgentError(
        f"{context.name} did not finish: {reason}", status=run.status, code=code, partial=run.text
    )


def check_depth(context: CallContext) -> None:
    """Check that another agent may work inside a call.

    Raises:
        ToolError: too many agents are at work one inside another.
    """
    path = context.path
    if len(path) >= MAX_DEPTH:
        raise ToolError(
            f"agents are at work {MAX_DEPTH} deep, one inside another, which is the limit: "
            f"{' → '.join(path)}"
        )


class NestedEvents:
    """Tells the events of a run as those of a sub-agent of another run.

    Args:
        context: of the call that the sub-agent works for.
        name: of the agent, if its stream does not say another one.

    Attributes:
        id: of the sub-agent, as the call's own run names it.
    """

    def __init__(self, context: CallContext, name: str) -> None:
        self.id = f"{context.id}/agent-{next(context.agents)}"
        self._tool_id = context.id
        self._name = name

    def translate(self, event: e.Event) -> list[e.Event]:
        """Return the event as one of the outer run: with the sub-agent's prefix in its ids, and the
        sub-agent as its parent.
        """
        match event:
            case e.RunStart():
                self._name = event.name or self._name
                return [
                    e.AgentStart(
                        id=self.id, name=self._name, tool_id=self._tool_id, parent_id=self._tool_id
                    )
                ]
            case e.RunEnd():
                return [agent_end(self.id, event, name=self._name, parent_id=self._tool_id)]
            case e.Prompt():
                return []  # the call's arguments have it
            case e.StepStart():
                event = replace(event, model=None)  # the header names the outer run's
            case e.Error():
                event = replace(event, fatal=False)  # the outer run goes on
        own = with_id_prefix(event, self.id)
        parent_id, agent = own.parent_id or self.id, own.agent or self._name
        # which the outer run gives
        return [replace(own, parent_id=parent_id, agent=agent, seq=0, ts=0.0, run_id="")]
