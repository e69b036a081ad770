"""The time limits of one request, applied to each await of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from nbagent.errors import StreamError
from nbagent.runtime.timeouts import IdleClock
from nbagent.sources.failure import failure
from nbagent.sources.request import Request


class Deadline:
    """The time at which a request must be complete: `timeout` seconds after construction, by the
    clock of the current loop.

    Args:
        request: has the limits: `timeout`, `connect_timeout` and `idle_timeout`, in seconds.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        if request.timeout is None:
            self._at = None
        else:
            self._at = asyncio.get_running_loop().time() + request.timeout
        self._idle = IdleClock(request.idle_timeout)

    @contextlib.asynccontextmanager
    async def within(
        self, *, connecting: bool = False, listening: bool = False
    ) -> AsyncIterator[None]:
        """Limit the time of the awaits inside the block.

        Args:
            connecting: limit it by `connect_timeout`, too.
            listening: it ends when the service sends something, so limit it by `idle_timeout`, too.

        Raises:
            StreamError: it took too long; the code is "timeout", "connect_timeout" or
                "idle_timeout".
        """
        total = asyncio.timeout_at(self._at)
        connect = asyncio.timeout(None)
        if connecting:
            connect = asyncio.timeout(self._request.connect_timeout)
        idle: contextlib.AbstractAsyncContextManager[None] = contextlib.nullcontext()
        if listening:
            idle = self._idle.limit(lambda _: silent(self._request))
        try:
            async with total, connect, idle:
                yield
        except TimeoutError:
            if total.expired():
                raise too_long(self._request) from None
            if connect.expired():
                raise no_connection(self._request) from None
            raise


def too_long(request: Request) -> StreamError:
    """Return the error of a stream that took more than its `timeout`."""
    text = f"{request.name} was not done after {request.timeout:g} s; timeout= gives it more time"
    return failure(text, "timeout")


def no_connection(request: Request) -> StreamError:
    """Return the error of a service that was not reached within `connect_timeout`."""
    text = (
        f"No connection to {request.name} after {request.connect_timeout:g} s; connect_timeout= "
        "gives it more time"
    )
    return failure(text, "connect_timeout")


def silent(request: Request) -> StreamError:
    """Return the error of a service that sent nothing for `idle_timeout`."""
    text = (
        f"{request.name} sent nothing for {request.idle_timeout:g} s; idle_timeout= gives it more "
        "time"
    )
    return failure(text, "idle_timeout")
