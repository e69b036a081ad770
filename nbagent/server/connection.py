"""`HttpConnection`: uvicorn's HTTP connection with limits of time and number."""

import asyncio
from collections import OrderedDict
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from nbagent.server.limits import Limits


class HttpConnection(H11Protocol):
    """A connection that is closed if its client is too slow to send a request, or if it idles where others need the room.

    uvicorn limits neither: a client that sends a byte now and then keeps its connection for ever, and over `limit_concurrency`
    each request is refused, also where all other connections idle (https://github.com/Kludex/uvicorn/issues/385).

    Args:
        idle: connections of the server that wait for a request, oldest first.
        limits: of time.
        max_connections: connections of the server at a time.
        options: as for `H11Protocol`.
    """

    def __init__(self, idle: "OrderedDict[HttpConnection, None]", limits: Limits, max_connections: int, **options: Any) -> None:
        super().__init__(**options)
        self._idle = idle
        self._timeouts = {h11.IDLE: limits.head_timeout_s, h11.SEND_BODY: limits.body_timeout_s}
        self._max_connections = max_connections
        self._phase: Any = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Accept the connection; if there are too many, close the oldest idle one."""
        super().connection_made(transport)
        if len(self.connections) > self._max_connections:
            oldest = next(iter(self._idle), self)
            self._idle.pop(oldest, None)
            oldest.transport.abort()
            if oldest is self:
                return
        self._idle[self] = None
        self._wait_for(h11.IDLE)

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        state = self.conn.their_state
        self._wait_for(state)
        if state is h11.IDLE:
            self._idle.setdefault(self)
        else:
            self._idle.pop(self, None)

    def on_response_complete(self) -> None:
        """Wait for the next request, for `idle_timeout_s`, which is uvicorn's own `timeout_keep_alive`."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._idle[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._wait_for(None)
        self._idle.pop(self, None)
        super().connection_lost(exc)

    def _wait_for(self, state: Any) -> None:
        """Limit the time of what comes next: a head (`IDLE`), a body (`SEND_BODY`), or nothing that has a limit."""
        if state is self._phase:
            return
        self._phase = state
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        timeout = self._timeouts.get(state)
        if timeout is not None:
            self._timer = self.loop.call_later(timeout, self.transport.abort)
