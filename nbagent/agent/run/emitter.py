"""`Emitter`: the way out for the events of one agent run."""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from nbagent import events as e


class Emitter:
    """Emits events with the agent's name and the number of the step.

    An event of a sub-agent has its own, and keeps them.

    Args:
        agent: its name.

    Attributes:
        agent: its name.
        step: number of the response of the model, from 1; 0 before the first.
        put: takes each event; may wait until there is space for it. Set when the run begins.
    """

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.step = 0
        self.put: Callable[[e.Event], Awaitable[None]]

    async def emit(self, event: e.Event) -> None:
        """Emit an event."""
        await self.put(
            event
            if event.agent is not None
            else replace(event, step=self.step or None, agent=self.agent)
        )

    def close(self) -> None:
        """Drop all further events: those of what a tool has left running would wait for a reader
        for ever.
        """
        self.put = _drop


async def _drop(event: e.Event) -> None:
    pass
