"""Base of the streams of all transports: HTTP, WebSocket and gRPC."""

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Self

from nbagent.runtime.loop import OwnedStream
from nbagent.sources.request import Request


class ServiceStream(OwnedStream):
    """The response of a service as an async iterable of items.

    Nothing is sent before it is iterated.

    Cancelling the task that iterates closes the connection at once. The stream keeps its request's
    `idle_timeout` itself, since only here a byte that is no item yet can be seen.

    Args:
        request: sent anew for each iteration.

    Attributes:
        name: host and path; no secret.
        has_closed: True once the service has said that it is done: by the close frame of a
            WebSocket.
        takes_messages: whether `send` sends to the service while it streams: on a WebSocket.
        takes_posts: whether `post` sends to the service while it streams: over HTTP.
        waits: returns True while the service waits for the reader's answer, so that its silence is
            no fault.
    """

    has_closed = False
    takes_messages = False
    takes_posts = False

    def __init__(self, request: Request) -> None:
        self.name = request.name
        self.stays = request.client is not None
        self._request = request
        self._reading: AsyncGenerator[Any, None] | None = None
        self.waits: Callable[[], bool] = lambda: False

    def __repr__(self) -> str:
        return repr(self._request)

    def __aiter__(self) -> AsyncIterator[Any]:
        self._reading = self._read()
        return self._reading

    def with_idle_timeout(self, seconds: float | None) -> Self:
        """Return this stream with an `idle_timeout` of at most `seconds`; None changes nothing.

        Raises:
            ValueError: `seconds` is not positive.
        """
        if seconds is None or seconds >= self._request.idle_timeout:
            return self
        return type(self)(dataclasses.replace(self._request, idle_timeout=seconds))

    async def send(self, message: Any) -> None:
        """Send a message to the service, on the loop of the stream.

        Only where it `takes_messages`.
        """
        raise NotImplementedError

    async def post(self, make: Callable[[str], tuple[str, Any]]) -> None:
        """Send a request of its own to the service, with the same headers.

        Only where it `takes_posts`.

        Args:
            make: called with the address of the stream; returns that of the request, and its JSON
                body.
        """
        raise NotImplementedError

    @property
    def request_parts(self) -> tuple[str, Any] | None:
        """Address and JSON body of an HTTP request; None for other transports."""
        return None

    def following(self, url: str, body: Any) -> Self:
        """Return the stream of another request to the service, with the same headers and limits.

        Only over HTTP.
        """
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the connection after a loop over the items that was left early."""
        if self._reading is not None:
            await self._reading.aclose()

    def _read(self) -> AsyncGenerator[Any, None]:
        raise NotImplementedError


def limit_idle(source: Any, seconds: float | None) -> Any:
    """Return a `ServiceStream` with an `idle_timeout` of at most `seconds`; any other source as it
    is.

    Raises:
        ValueError: `seconds` is not positive.
    """
    if isinstance(source, ServiceStream):
        return source.with_idle_timeout(seconds)
    return source
