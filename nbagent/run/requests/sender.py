"""`Sender`: the way by which a request was sent, for another one like it."""

import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from nbagent.errors import NbagentError
from nbagent.runtime.loop import OwnedStream, running_loop
from nbagent.runtime.loop import loop as own_loop
from nbagent.sources.refusal import status_error
from nbagent.sources.wire.body import BodyDecoder

_OF_ONE_REQUEST = ("content-length", "transfer-encoding", "idempotency-key")
"""Headers that another request must not have."""


class Sender:
    """Transport, address and headers of a request that was sent. Its repr holds no secrets.

    Args:
        transport: of the client, an `httpx` or `httpx2` one.
        library: name of the HTTP library.
        request: the request.
        address: where it went, without credentials.
    """

    def __init__(self, transport: Any, library: str, request: Any, address: str) -> None:
        self.transport = transport
        self.loop = running_loop()
        self.address = address
        self._library = library
        self._method, self._url = request.method, request.url
        self._extensions = dict(request.extensions)
        self._headers = request.headers.copy()
        for name in _OF_ONE_REQUEST:
            self._headers.pop(name, None)

    def send(self, body: bytes) -> Any:
        """Return the items of the response to another request: a stream that sends it when it is
        read.

        Raises:
            NbagentError: the event loop of the client is closed.
        """
        request = sys.modules[self._library].Request(
            self._method,
            self._url,
            headers=self._headers,
            content=body,
            extensions=self._extensions,
        )
        if not hasattr(self.transport, "handle_async_request"):
            return self._items(request)
        if self.loop is not None and self.loop.is_closed():
            raise NbagentError(
                "the event loop on which this request was sent is closed, and its client with it: "
                "send it from the program that is still running, as a notebook is, or watch a "
                "client that is not async"
            )
        return _AsyncItems(self, request)

    def _items(self, request: Any) -> Iterator[Any]:
        response = self.transport.handle_request(request)
        try:
            if response.status_code >= 400:
                raise status_error(self.address, response.status_code, response.read())
            decoder = BodyDecoder(response.headers.get("content-type", ""))
            for chunk in response.iter_bytes():
                yield from decoder.feed(chunk)
            yield from decoder.close()
        finally:
            response.close()


class _AsyncItems(OwnedStream):
    """The items of the response to a request of an async client, read on the client's loop.

    Args:
        sender: of the client.
        request: the request.
    """

    def __init__(self, sender: Sender, request: Any) -> None:
        self._sender = sender
        self._request = request
        self.stays = sender.loop is not own_loop()

    async def __aiter__(self) -> AsyncIterator[Any]:
        response = await self._sender.transport.handle_async_request(self._request)
        try:
            if response.status_code >= 400:
                body = await response.aread()
                raise status_error(self._sender.address, response.status_code, body)
            decoder = BodyDecoder(response.headers.get("content-type", ""))
            async for chunk in response.aiter_bytes():
                for item in decoder.feed(chunk):
                    yield item
            for item in decoder.close():
                yield item
        finally:
            await response.aclose()


def items_of(address: str, status: int | None, body: bytes) -> Iterable[Any]:
    """Yield the items of a response that has come.

    Args:
        address: where it came from, without credentials.
        status: HTTP status; None if no response came.
        body: as far as it is kept, decompressed.

    Raises:
        StreamError: it has an error status.
    """
    if status is not None and status >= 400:
        raise status_error(address, status, body)
    decoder = BodyDecoder()
    yield from decoder.feed(body)
    yield from decoder.close()
