"""HTTP transports that copy the bytes which pass them: `httpx` and `httpx2` look the same from
here.

A transport is what a client sends its requests through:
https://www.python-httpx.org/advanced/transports/
"""

import functools
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

from nbagent.gate import secrets
from nbagent.gate.credential_names import is_credential_parameter
from nbagent.gate.masking import bullets
from nbagent.run.requests.sender import Sender
from nbagent.run_context import HTTPExchange, run_around

_log = logging.getLogger("nbagent")

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Bytes of a request's body that is kept."""


class _Watched:
    """A transport in place of another one, which does the work.

    Args:
        inner: the other one.
        library: name of the HTTP library that both belong to.
    """

    def __init__(self, inner: Any, library: str) -> None:
        self._inner = inner
        self._library = library

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":
            raise AttributeError(name)  # of a copy that is being made
        return getattr(self._inner, name)

    def __repr__(self) -> str:
        return f"<watched {self._inner!r}>"

    def _begun(self, request: Any) -> HTTPExchange | None:
        """Return the exchange of a request that the run around keeps; None if it keeps none."""
        exchange = _begun(request)
        if exchange is not None:
            sender = Sender(self._inner, self._library, request, urlsplit(exchange.url).netloc)
            exchange.send_again = sender.send
        return exchange

    def _answer(self, exchange: HTTPExchange, response: Any) -> Any:
        """Note the response, and return it with a stream that copies its bytes."""
        exchange.status = response.status_code
        encoding = response.headers.get("content-encoding")
        if encoding:
            exchange.decode = functools.partial(_decoded, sys.modules[self._library], encoding)
        try:
            content = response.content
        except RuntimeError:  # `ResponseNotRead`: it is yet to come
            made, made_async = _teed_streams(self._library)
            if isinstance(self, WatchedAsyncTransport):
                made = made_async
            response.stream = made(response.stream, exchange)
        else:
            exchange.decode = bytes
            exchange.take(content)
            exchange.end(complete=True)
        return response


class WatchedTransport(_Watched):
    """A transport of a `Client`."""

    def handle_request(self, request: Any) -> Any:
        """Send a request, and return its response."""
        exchange = self._begun(request)
        if exchange is None:
            return self._inner.handle_request(request)
        try:
            response = self._inner.handle_request(request)
        except BaseException as error:
            exchange.end(error)
            raise
        return self._answer(exchange, response)

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._inner.__exit__(*exception)


class WatchedAsyncTransport(_Watched):
    """A transport of an `AsyncClient`."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request, and return its response."""
        exchange = self._begun(request)
        if exchange is None:
            return await self._inner.handle_async_request(request)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            exchange.end(error)
            raise
        return self._answer(exchange, response)

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self._inner.__aexit__(*exception)


def _begun(request: Any) -> HTTPExchange | None:
    """Return the exchange of a request that the run around keeps; None if there is no run, or
    nothing to keep.
    """
    if request.method != "POST" or "json" not in request.headers.get("content-type", ""):
        return None
    around = run_around()
    if around is None:
        return None
    try:
        body: bytes = request.content
    except RuntimeError:  # `RequestNotRead`: it is written while it is sent
        return None
    if len(body) > MAX_BODY_BYTES:
        return None
    url, credentials = _without_credentials(str(request.url))
    secrets.register(*secrets.credentials_in(request.headers), *credentials)
    exchange = HTTPExchange(
        url, body, lane=around.lane, step=around.step, agent=around.agent, inside=around.inside
    )
    try:
        if around.run.record(exchange):
            return exchange
        return None
    except Exception as error:  # the request is sent in any case
        _log.warning(
            "A request to %s could not be kept: %s", urlsplit(url).hostname, type(error).__name__
        )
        return None


def _without_credentials(url: str) -> tuple[str, list[str]]:
    """Return an address without its user, password and keys, and the credentials that it had."""
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    keys = [value for name, value in given if is_credential_parameter(name)]

    def shown_value(name: str, value: str) -> str:
        if is_credential_parameter(name):
            return bullets(value, [(0, len(value))])
        return quote(value)

    query = "&".join(f"{quote(name)}={shown_value(name, value)}" for name, value in given)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query).geturl()
    return shown, [*keys, *filter(None, (parts.password,))]


def _decoded(library: Any, encoding: str, wire: bytes) -> bytes:
    """Undo a response's content encoding, of as much as has come."""
    response = library.Response(200, headers={"content-encoding": encoding}, content=wire)
    content: bytes = response.content
    return content


@functools.cache
def _teed_streams(library: str) -> tuple[type[Any], type[Any]]:
    """Return the classes of streams that copy their bytes, sync and async.

    Clients insist on their library's base classes.
    """
    module = sys.modules[library]
    return (
        type("TeedStream", (_TeedStream, module.SyncByteStream), {}),
        type("TeedAsyncStream", (_TeedAsyncStream, module.AsyncByteStream), {}),
    )


class _TeedStream:
    """A response's bytes, copied as they pass.

    Args:
        inner: the stream of the bytes.
        exchange: gets the copies.
    """

    def __init__(self, inner: Any, exchange: HTTPExchange) -> None:
        self._inner = inner
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._inner:
                self._exchange.take(chunk)
                yield chunk
        except BaseException as error:
            self._exchange.end(error)
            raise
        self._exchange.end(complete=True)

    def close(self) -> None:
        self._exchange.end()
        self._inner.close()


class _TeedAsyncStream:
    """Stream of a response of an async client; see `_TeedStream`."""

    def __init__(self, inner: Any, exchange: HTTPExchange) -> None:
        self._inner = inner
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._inner:
                self._exchange.take(chunk)
                yield chunk
        except BaseException as error:
            self._exchange.end(error)
            raise
        self._exchange.end(complete=True)

    async def aclose(self) -> None:
        self._exchange.end()
        await self._inner.aclose()
