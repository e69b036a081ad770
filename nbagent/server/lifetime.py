"""`Lifetime`: what an application needs while it serves, opened once and closed at its end."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.types import ASGIApp, Receive, Scope, Send


class Lifetime:
    """Holds a context open in a task of its own, from the first `begin` to `end` or to the end of
    the event loop.

    An application that is mounted into another one gets no lifespan events, so its first request
    begins it.

    Args:
        opened: makes the context.
    """

    def __init__(self, opened: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self._opened = opened
        self._task: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[None] | None = None
        self._over = asyncio.Event()

    async def begin(self) -> None:
        """Open the context. A second call waits for the first one.

        Raises:
            Exception: that the opening raised.
        """
        if self._begun is None:
            self._begun = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._hold(self._begun))
        await asyncio.shield(self._begun)

    async def end(self) -> None:
        """Close the context, if it is open."""
        self._over.set()
        if self._task is not None:
            await self._task

    async def _hold(self, begun: asyncio.Future[None]) -> None:
        try:
            async with self._opened():
                begun.set_result(None)
                await self._over.wait()
        except Exception as error:
            if begun.done():
                raise
            begun.set_exception(error)
        finally:
            begun.cancel()  # of a task that is cancelled before; nothing otherwise


class BeginOnRequest:
    """Begins a lifetime before the first request.

    Args:
        app: takes the requests.
        lifetime: of the application.
    """

    def __init__(self, app: ASGIApp, *, lifetime: Lifetime) -> None:
        self._app = app
        self._lifetime = lifetime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] in ("http", "websocket"):
            await self._lifetime.begin()
        await self._app(scope, receive, send)
