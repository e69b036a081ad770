"""`Emitter`: the way out for the events of one agent run."""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from nbagent import events as e


class Emitter:
    """Emits events with the agent's name and the number of the step.

    Args:
        agent: its name.

    Attributes:
        step: number of the response of the model, from 1; 0 before the first.
        put: takes each event; may wait until there is space for it. Set when the run begins.
    """

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self.step = 0
        self.put: Callable[[e.Event], Awaitable[None]]

    async def emit(self, event: e.Event) -> None:
        """Emit an event."""
        await self.put(replace(event, step=self.step or None, agent=self._agent))
