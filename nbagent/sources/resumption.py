"""`Resumption`: whether and where a stream goes on after its connection broke.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#reestablish-the-connection.
"""

from nbagent.errors import StreamError
from nbagent.sources.request import Request
from nbagent.sources.wire.body import BodyDecoder

MAX_RECONNECTS = 5
"""Reconnects in a row that may pass without a new item."""

RECONNECTION_TIME_S = 1.0
"""Seconds to wait before a reconnect, unless the stream says (`retry:`)."""


class Resumption:
    """The state of a stream over its connections.

    Args:
        request: of the stream.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._last_id: str | None = None  # of the event after which to continue
        self._fruitless = 0  # connections since the last item
        self._pause_s = RECONNECTION_TIME_S

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the next request; none for a stream from its beginning."""
        if not self._last_id:
            return {}
        return {"last-event-id": self._last_id}

    @property
    def pause_s(self) -> float:
        """Seconds to wait before the next request."""
        return min(self._pause_s, self._request.idle_timeout)

    def item_came(self) -> None:
        """Note that the connection had an item."""
        self._fruitless, self._last_id = 0, None

    def connection_ended(self, body: BodyDecoder) -> None:
        """Note the end of a connection, and what its body says of the next one."""
        self._last_id = body.last_event_id or self._last_id
        self._fruitless += 1
        if body.retry is not None:
            self._pause_s = body.retry / 1000

    def is_possible(self, fault: StreamError) -> bool:
        """Return True if the stream is requested again after its last event."""
        if fault.code != "connection_lost" or self._fruitless > MAX_RECONNECTS:
            return False
        return self._request.reconnect and self._request.verb == "GET" and bool(self._last_id)
