"""How long a stream may take, and may say nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from nbagent.errors import StreamError
from nbagent.sources.request import Request


class Deadline:
    """The moment at which all must be over; it is counted from when this is made, on the loop that it is made on.

    Args:
        request: what may take `timeout` seconds, and be silent for `idle_timeout`.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._at = None if request.timeout is None else asyncio.get_running_loop().time() + request.timeout

    @contextlib.asynccontextmanager
    async def within(self, *, connecting: bool = False, listening: bool = False) -> AsyncIterator[None]:
        """Let what is awaited inside take no longer.

        Args:
            connecting: it may not take longer than `connect_timeout` either.
            listening: nor than `idle_timeout`.

        Raises:
            StreamError: it did; the code is "timeout", "connect_timeout" or "idle_timeout".
        """
        total = asyncio.timeout_at(self._at)
        connect = asyncio.timeout(self._request.connect_timeout if connecting else None)
        idle = asyncio.timeout(self._request.idle_timeout if listening else None)
        try:
            async with total, connect, idle:
                yield
        except TimeoutError:
            if total.expired():
                raise too_long(self._request) from None
            if connect.expired():
                raise no_connection(self._request) from None
            if idle.expired():
                raise silent(self._request) from None
            raise


def too_long(request: Request) -> StreamError:
    """The error for a stream that took more than its `timeout`."""
    text = f"{request.name} was not done after {request.timeout:g} s; timeout= gives it more time"
    return StreamError(text, "timeout")


def no_connection(request: Request) -> StreamError:
    """The error for a service that could not be reached within `connect_timeout`."""
    text = f"No connection to {request.name} after {request.connect_timeout:g} s; connect_timeout= gives it more time"
    return StreamError(text, "connect_timeout")


def silent(request: Request) -> StreamError:
    """The error for a service that sent nothing for `idle_timeout`."""
    text = f"{request.name} sent nothing for {request.idle_timeout:g} s; idle_timeout= gives it more time"
    return StreamError(text, "idle_timeout")
