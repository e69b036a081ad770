"""Streams over HTTP: server-sent events, lines of JSON or text, with time-outs, retries and
readable errors.

Reconnecting follows
https://html.spec.whatwg.org/multipage/server-sent-events.html#reestablish-the-connection, with one
exception: a body that ends as its framing announced is complete, and is not requested again. httpx2
is used here only.
"""

import asyncio
import contextlib
import dataclasses
import email.utils
import functools
import itertools
import logging
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Self

import httpx2

from nbagent.errors import StreamError
from nbagent.gate import secrets
from nbagent.gate.credential_names import is_credential_parameter
from nbagent.runtime import work
from nbagent.sources.buffering import BufferingDetector
from nbagent.sources.deadline import Deadline, no_connection, silent
from nbagent.sources.failure import failure
from nbagent.sources.refusal import MAX_BODY_BYTES, empty_error, status_error, web_page_error
from nbagent.sources.request import Request
from nbagent.sources.resumption import Resumption
from nbagent.sources.stream import ServiceStream
from nbagent.sources.wire.body import BodyDecoder

MAX_RETRIES = 2
"""Retries of a request that failed to connect, or that the service asked to send later
(`Retry-After`).
"""

RETRY_BUDGET_S = 10.0
"""Seconds that all waits before retries may take together.

If the service asks for a longer one, its error is raised.
"""

_HEADERS = {
    "accept": (
        "text/event-stream, application/x-ndjson, application/json;q=0.9, text/plain;q=0.8, "
        "*/*;q=0.1"
    ),
    "cache-control": "no-store",
}
_BACKOFF_S = 0.5  # before the first retry; twice that before the second
_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_SEND_LATER = (httpx2.codes.TOO_MANY_REQUESTS, httpx2.codes.SERVICE_UNAVAILABLE)
_MAX_PORT = 65535


def made_response(status: int, url: str, body: Any) -> httpx2.Response:
    """Return a response that no server sent, with a body of JSON."""
    return httpx2.Response(status, json=body, request=httpx2.Request("POST", url))


def connection_lost(message: str) -> Exception:
    """Return the error of a connection that breaks while a response comes."""
    return httpx2.RemoteProtocolError(message)


_LOST = (httpx2.NetworkError, httpx2.RemoteProtocolError)

# it logs every address in full, at level INFO
logging.getLogger("httpx2").addFilter(secrets.MaskingFilter())


class HTTPStream(ServiceStream):
    """The items of an HTTP response; made by `nbagent.connect`."""

    takes_posts = True

    async def post(self, make: Callable[[str], tuple[str, Any]]) -> None:
        """Send a request of its own to the service, with the same headers; see
        `ServiceStream.post`.

        Raises:
            StreamError: there was no response, or one with an error status.
        """
        request = self._other(*make(self._request.url))
        async with client_for(request) as client, exchange(client, request, {}, Deadline(request)):
            pass

    @property
    def request_parts(self) -> tuple[str, Any] | None:
        """Address and JSON body of the request."""
        return self._request.url, self._request.json

    def following(self, url: str, body: Any) -> Self:
        """Return the stream of another request to the service, with the same headers and limits."""
        return type(self)(self._other(url, body))

    def _other(self, url: str, body: Any) -> Request:
        return dataclasses.replace(self._request, url=url, json=body, content=None, method="POST")

    async def _read(self) -> AsyncGenerator[Any, None]:
        request = self._request
        deadline = Deadline(request)
        resumption = Resumption(request)
        async with client_for(request) as client:
            while True:
                buffering = BufferingDetector()  # from here on, the stream is waited for
                async with (
                    exchange(client, request, resumption.headers, deadline) as response,
                    _bytes_of(response) as chunks,
                ):
                    if response.status_code == httpx2.codes.NO_CONTENT:
                        return
                    if "x-vercel-ai-ui-message-stream" in response.headers:
                        self.adapter = "vercel.ui"
                    body = _Body(response, buffering)
                    while await body.receive(chunks, request, deadline):
                        for item in body.items():
                            resumption.item_came()
                            yield item
                    body.check(request, response, is_first=not resumption.headers)
                resumption.connection_ended(body.decoder)
                if body.fault is not None and resumption.is_possible(body.fault):
                    async with deadline.within():
                        await asyncio.sleep(resumption.pause_s)
                    continue
                for item in body.decoder.close():
                    yield item
                if body.fault is not None:
                    raise body.fault
                return


class _Body:
    """The body of one response, while it comes.

    Args:
        response: whose head has come.
        buffering: notices what holds the stream back.

    Attributes:
        decoder: of its items.
        page: its bytes, if it is a web page; else empty.
        fault: why it broke off; None if it did not.
    """

    def __init__(self, response: httpx2.Response, buffering: BufferingDetector) -> None:
        self.decoder = BodyDecoder(response.headers.get("content-type", ""))
        self.page = b""
        self.fault: StreamError | None = None
        self._has_bytes = False
        self._chunk = b""
        self._buffering = buffering

    def check(self, request: Request, response: httpx2.Response, *, is_first: bool) -> None:
        """Check that it was a stream; only the first one of a stream must have had a byte.

        Raises:
            StreamError: it ended without a byte, or is a web page.
        """
        if is_first and not self._has_bytes and self.fault is None:
            raise empty_error(request.name, response.status_code)
        if self.page:
            raise _page_error(request, response, self.page)

    async def receive(
        self, chunks: AsyncIterator[bytes], request: Request, deadline: Deadline
    ) -> bool:
        """Wait for the next bytes. Return False if there are none, or none that matter."""
        if self.fault is not None or len(self.page) > MAX_BODY_BYTES:
            return False
        try:
            self._chunk = await _next(chunks, request, deadline)
        except StreamError as error:
            self.fault = error
            return False
        self._has_bytes |= bool(self._chunk)
        return bool(self._chunk)

    def items(self) -> Iterator[Any]:
        """Yield the items that the bytes complete. A web page has none."""
        try:
            items = self.decoder.feed(self._chunk)
            if self.decoder.framing == "html":
                self.page += self._chunk
                return
            self._buffering.report(self.decoder.comment)
            yield from items
        except StreamError as error:
            self.fault = error


def _page_error(request: Request, response: httpx2.Response, page: bytes) -> StreamError:
    """Return the error of a web page in place of a stream."""
    content_type = response.headers.get("content-type", "")
    return web_page_error(request.name, response.status_code, content_type, page)


@contextlib.asynccontextmanager
async def client_for(request: Request) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield the request's own client, left open afterwards, or a new one for this stream alone."""
    if request.client is not None:
        yield request.client
    else:
        async with httpx2.AsyncClient(verify=verification()) as client:
            yield client


def verification() -> ssl.SSLContext | bool:
    """Return a client's `verify`: in a page the browser has certificates of its own."""
    return True if work.in_page() else certificates()


@functools.cache
def certificates() -> ssl.SSLContext:
    """Return the trusted certificates; cached, since loading them takes as long as a whole exchange
    on loopback.
    """
    return httpx2.create_ssl_context()


@contextlib.asynccontextmanager
async def exchange(
    client: httpx2.AsyncClient, request: Request, headers: Mapping[str, str], deadline: Deadline
) -> AsyncIterator[httpx2.Response]:
    """Yield the response to a request, its body still to be read; closed at the end.

    The request is sent again if no connection opened, if it is idempotent and the connection broke,
    and if the service set a time for the next try (429 and 503 with `Retry-After`), within
    `MAX_RETRIES` and `RETRY_BUDGET_S`.

    Args:
        client: sends it.
        request: the request.
        headers: by their lower-case names; they replace the request's own.
        deadline: of the request.

    Raises:
        StreamError: there was no response, or one with an error status.
    """
    waited = 0.0
    for attempt in itertools.count(1):
        response: httpx2.Response | None = None
        wait: float | None = None
        try:
            async with deadline.within():
                response = await _send(client, request, headers)
        except httpx2.HTTPError as error:
            fault = fault_of(error, request)
            is_lost = isinstance(error, _LOST) and request.is_idempotent
            if is_lost or isinstance(error, httpx2.ConnectError):
                wait = _BACKOFF_S * attempt
        else:
            try:
                if not response.is_error:
                    yield response
                    return
                head = await _head(response, request, deadline)
                fault = status_error(request.name, response.status_code, head)
                if response.status_code in _SEND_LATER:
                    wait = _retry_after(response.headers.get("retry-after", ""))
            finally:
                await response.aclose()
        if wait is None or attempt > MAX_RETRIES or waited + wait > RETRY_BUDGET_S:
            raise fault
        waited += wait
        async with deadline.within():
            await asyncio.sleep(wait)


async def _send(
    client: httpx2.AsyncClient, request: Request, headers: Mapping[str, str]
) -> httpx2.Response:
    """Send the request and follow redirects. Credentials are not sent to another host."""
    sending = _built(client, request, headers)
    auth: Any = request.auth
    if auth is None:
        auth = httpx2.USE_CLIENT_DEFAULT
    for _ in range(_MAX_REDIRECTS):
        _check_port(request, sending.url)
        response = await client.send(sending, stream=True, auth=auth, follow_redirects=False)
        secrets.register(*secrets.credentials_in(response.request.headers))
        following = response.next_request
        if following is None:
            if response.status_code in _REDIRECTS:
                await response.aclose()
                raise StreamError(
                    f"{request.name} redirects to what is no address ({response.status_code})",
                    "http_error",
                )
            return response
        await response.aclose()
        if _is_elsewhere(sending.url, following.url):
            auth = None
            for name in filter(is_credential_parameter, list(following.headers)):
                del following.headers[name]
        sending = following
    raise httpx2.TooManyRedirects(f"more than {_MAX_REDIRECTS} redirects", request=sending)


def _built(
    client: httpx2.AsyncClient, request: Request, headers: Mapping[str, str]
) -> httpx2.Request:
    own = {name.lower(): value for name, value in (request.headers or {}).items()}
    content: str | bytes | None = None
    if isinstance(request.content, (str, bytes)):  # otherwise the messages of a WebSocket
        content = request.content
    return client.build_request(
        request.verb,
        httpx2.URL(request.url).copy_merge_params(request.params or {}),
        headers={**_HEADERS, **own, **headers},
        json=request.json,
        content=content,
        # httpx2 keeps the idle time-out itself, on the socket: there a byte counts that is still
        # compressed, or half a line.
        timeout=httpx2.Timeout(request.idle_timeout, connect=request.connect_timeout),
    )


def _check_port(request: Request, url: httpx2.URL) -> None:
    """Check that there may be such a port: the socket would raise an OverflowError, in a group.

    Raises:
        StreamError: there is none.
    """
    if url.port is not None and url.port > _MAX_PORT:
        raise StreamError(f"{request.name}: there is no port {url.port} ({url.host})", "http_error")


def _is_elsewhere(here: httpx2.URL, there: httpx2.URL) -> bool:
    """Return True if a redirect leads to another host, to another port, or from https to http."""
    if here.host != there.host:
        return True
    if (here.scheme, there.scheme) == ("http", "https") and here.port is there.port is None:
        return False
    return here.origin != there.origin


def _bytes_of(response: httpx2.Response) -> contextlib.aclosing[AsyncGenerator[bytes, None]]:
    return contextlib.aclosing(response.aiter_bytes())


async def _next(chunks: AsyncIterator[bytes], request: Request, deadline: Deadline) -> bytes:
    """Return the next bytes of a body, decompressed; b"" at its end.

    Raises:
        StreamError: nothing came in time, or the connection broke.
    """
    try:
        async with deadline.within():
            return await anext(chunks, b"")
    except httpx2.HTTPError as error:
        fault = fault_of(error, request)
    # here, so that it has no context: the client's error may quote what the service wrote
    raise fault


async def _head(response: httpx2.Response, request: Request, deadline: Deadline) -> bytes:
    """Return the first bytes of a body that is not a stream; fewer if it breaks off."""
    head = b""
    async with _bytes_of(response) as chunks:
        with contextlib.suppress(StreamError):
            while len(head) < MAX_BODY_BYTES and (chunk := await _next(chunks, request, deadline)):
                head += chunk
    return head[:MAX_BODY_BYTES]


def fault_of(error: httpx2.HTTPError, request: Request) -> StreamError:
    """Return the error of a failed connection, with a message that explains what to do."""
    if isinstance(error, httpx2.ConnectTimeout):
        return no_connection(request)
    if isinstance(error, httpx2.TimeoutException):
        return silent(request)
    if isinstance(error, httpx2.ConnectError):
        return failure(
            f"No connection to {request.name}: {error}. Is the address right, and the service up?",
            "connect_error",
        )
    if isinstance(error, _LOST):
        return failure(
            f"The connection to {request.name} broke: {str(error) or 'it was reset'}",
            "connection_lost",
        )
    return failure(f"{request.name}: {str(error) or type(error).__name__}", "http_error")


def _retry_after(value: str) -> float | None:
    """Return the seconds of a `Retry-After` header in either of its forms; None if it has
    neither.
    """
    with contextlib.suppress(ValueError):
        return max(0.0, float(value))
    with contextlib.suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None
