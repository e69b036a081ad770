"""`HostedEvents`: the events of a served run as a source, so that this process draws it for its web pages."""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from nbagent import events as e
from nbagent.server.hosted_run import HostedRun


class HostedEvents:
    """The events of a served run, for a `Run` that reads them on any loop. Leaving early does not stop the served run.

    A tool cannot be called again from here: who reads a served run has its questions to answer, and nothing else to call.

    Args:
        hosted: the served run.
        loop: the server's.

    Attributes:
        name: of the run's agent.
        started: begin of the run, in seconds since the epoch.
        keeps_times: True: a run that shows these events keeps their times.
    """

    keeps_times = True

    def __init__(self, hosted: HostedRun, loop: asyncio.AbstractEventLoop) -> None:
        self.name = hosted.stored.agent
        self.started = hosted.events[0].ts if hosted.events else hosted.stored.created
        self._hosted = hosted
        self._loop = loop

    async def __aiter__(self) -> AsyncIterator[e.Event]:
        seen = 0
        while batch := await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._after(seen), self._loop)):
            seen += len(batch)
            for event in batch:
                yield msgspec.structs.replace(event, tool=None) if isinstance(event, e.ToolStart) else event

    async def _after(self, seen: int) -> list[e.Event]:
        """Return the events after the first `seen`, when there are some; none if the run has ended."""
        await self._hosted.changed(seen)
        return self._hosted.events[seen:]
