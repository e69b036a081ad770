"""`RequestLimiter`: a limit of how many requests of an agent are under way at a time."""

import asyncio
from weakref import WeakKeyDictionary


class RequestLimiter:
    """Places for requests, shared by all runs of an agent.

    `async with request_limiter:` waits for a free one.

    Only the time from a request to the end of its response takes a place, not that of tools: so an
    agent that works inside a tool of itself cannot wait for its own place.

    Args:
        count: of the places, at least 1; None for any number.
    """

    def __init__(self, count: int | None) -> None:
        self._count = count
        self._semaphores: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )

    async def __aenter__(self) -> None:
        if self._count is not None:
            await self._semaphore(self._count).acquire()

    async def __aexit__(self, *exception: object) -> None:
        if self._count is not None:
            self._semaphore(self._count).release()

    def _semaphore(self, count: int) -> asyncio.Semaphore:
        """Return the semaphore of this loop: a forked process has a loop of its own."""
        loop = asyncio.get_running_loop()
        return self._semaphores.setdefault(loop, asyncio.Semaphore(count))
