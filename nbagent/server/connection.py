"""`HttpConnection`: uvicorn's HTTP connection with limits of time and number."""

import asyncio
import enum
from collections import Counter
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from nbagent.server.limits import Limits

STOP_GRACE_S = 1.5
"""Seconds that a response has to end when the server stops; then its client is cut, and reads on
elsewhere. uvicorn cancels it a moment later, with a traceback.
"""


class Use(enum.IntEnum):
    """Use of a connection.

    Those with the lowest use are closed first where others need the room.
    """

    IDLE = 0
    RECEIVING = 1
    BLOCKED = 2
    ANSWERING = 3


class HttpConnection(H11Protocol):
    """A connection that is closed if its client is too slow, or if others need the room that it
    does nothing with.

    Under uvicorn a client that sends a byte now and then, or reads nothing of a long answer, keeps
    its connection for ever, and over `limit_concurrency` each request is refused, also where all
    other connections idle (https://github.com/Kludex/uvicorn/issues/385).

    Args:
        limits: of time.
        max_connections: connections of the server at a time.
        options: as for `H11Protocol`.
    """

    def __init__(self, limits: Limits, max_connections: int, **options: Any) -> None:
        super().__init__(**options)
        self._timeouts = {h11.IDLE: limits.head_timeout_s, h11.SEND_BODY: limits.body_timeout_s}
        self._write_timeout_s = limits.write_timeout_s
        self._max_connections = max_connections
        self._phase: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._use = Use.IDLE
        self._since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Accept the connection; if there are too many, close the one that does least."""
        super().connection_made(transport)
        self._begin(Use.IDLE)
        if len(self.connections) > self._max_connections:
            closed = self._least_used()
            closed.transport.abort()
            if closed is self:
                return
        self._wait_for(h11.IDLE)

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        state = self.conn.their_state
        self._wait_for(state)
        if state is h11.SEND_BODY:
            self._begin(Use.RECEIVING)
        elif state is not h11.IDLE:
            self._begin(Use.ANSWERING)

    def on_response_complete(self) -> None:
        """Wait for the next request, for `idle_timeout_s`, which is uvicorn's own
        `timeout_keep_alive`.
        """
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._begin(Use.IDLE)

    def shutdown(self) -> None:
        """End with the response that is sent, or after a time."""
        super().shutdown()
        self.loop.call_later(STOP_GRACE_S, self.transport.abort)

    def pause_writing(self) -> None:
        """Limit the time in which the client must read on."""
        super().pause_writing()
        self._begin(Use.BLOCKED)
        self._write_timer = self.loop.call_later(self._write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        super().resume_writing()
        self._begin(Use.ANSWERING)
        self._stop_write_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._wait_for(None)
        self._stop_write_timer()
        super().connection_lost(exc)

    def _begin(self, use: Use) -> None:
        if use is not self._use or not self._since:
            self._use, self._since = use, self.loop.time()

    def _least_used(self) -> "HttpConnection":
        """Return the connection to close: this one, if all others are needed.

        Of those with the lowest use it is the oldest one of the address that has most connections.
        So an address with very many shuts out nobody but itself.
        """
        counts = Counter(_address_of(each) for each in self.connections)
        largest, count = counts.most_common(1)[0]
        others = [
            each
            for each in self.connections
            if isinstance(each, HttpConnection) and each is not self
        ]
        if not others:
            return self
        least = min(others, key=lambda each: (each._use, _address_of(each) != largest, each._since))
        is_fair = count <= self._max_connections / 2 or largest in (None, _address_of(self))
        if least._use is Use.ANSWERING and (is_fair or _address_of(least) != largest):
            return self
        return least

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _wait_for(self, state: Any) -> None:
        """Limit the time of what comes next: a head (`IDLE`), a body (`SEND_BODY`), or nothing that
        has a limit.
        """
        if state is self._phase:
            return
        self._phase = state
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        timeout = self._timeouts.get(state)
        if timeout is not None:
            self._timer = self.loop.call_later(timeout, self.transport.abort)


def _address_of(connection: Any) -> str | None:
    """Return the address of a connection's client. A WebSocket is another class of uvicorn's.

    Behind a proxy that the operator trusts, it is the one that the last request was forwarded for.
    """
    scope = getattr(connection, "scope", None) or {}
    client = scope.get("client") or getattr(connection, "client", None)
    return client[0] if client else None
