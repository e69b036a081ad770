"""The response that carries a served run."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from nbagent.adapters.base.encoder_protocol import Encoder
from nbagent.server.access.guard import ROLE
from nbagent.server.hosting.feed import Feed
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.position import START, Position, parse_id
from nbagent.server.operation import EVENT_STREAM
from nbagent.server.problem import Problem
from nbagent.sources import buffering

CLIENT_LEFT = 499
"""Status of a response that nobody reads any more, for logs (nginx)."""

KEEP_ALIVE = b": keep-alive\n\n"
"""Comment of an event stream, which clients ignore."""

RUN_ID_HEADER = "x-run-id"
"""Header with the id of the run, with which another request can go on, stop it or answer it."""


async def stream_response(
    host: Host,
    request: Request,
    start: Callable[[], Awaitable[HostedRun]],
    system: str,
    encoder: Callable[[], Encoder] | None = None,
) -> Response:
    """Return the response with a run, or with the rest of the one that the request's
    `Last-Event-ID` names.

    Args:
        host: has the runs.
        request: of the client.
        start: begins or finds the run of a client that does not go on.
        system: name of the form of the stream.
        encoder: makes the encoder of that form; by default the system's own.

    Raises:
        Problem: the `Last-Event-ID` is none of ours (400), or its run is not known (404).
    """
    run, after = await place_of(host, request, start)
    feed = run.feed(system) if encoder is None else run.encoded_by(system, encoder)
    headers = {**feed.encoder.headers, RUN_ID_HEADER: run.id}
    if feed.is_over(after):
        # an EventSource that has all asks no more
        return Response(status_code=204, headers={RUN_ID_HEADER: run.id})
    return RunResponse(
        run, _body(feed, after), headers, cancels=cancels_on_disconnect(host, request)
    )


async def place_of(
    host: Host, request: Request, start: Callable[[], Awaitable[HostedRun]]
) -> tuple[HostedRun, Position]:
    """Return the run that a client reads, and the place in it behind which it does.

    Args:
        host: has the runs.
        request: of the client, with a `Last-Event-ID` if it goes on.
        start: begins or finds the run of a client that does not go on.

    Raises:
        Problem: the `Last-Event-ID` is none of ours (400), or its run is not known (404).
    """
    last = request.headers.get("last-event-id")
    if not last:
        return await start(), START
    named = parse_id(last)
    if named is None:
        raise Problem(
            400, f"Last-Event-ID {last[:80]!r} is no id of this server, such as 'run-…:12-1'"
        )
    return await host.find(named[0]), named[1]


class RunResponse(StreamingResponse):
    """Response whose client is a reader of a run.

    Args:
        run: the run.
        body: its bytes.
        headers: of the response.
        cancels: whether the run is cancelled if its last reader leaves before the end.

    Attributes:
        cancels: as given; it may be changed until the client leaves.
    """

    def __init__(
        self, run: HostedRun, body: AsyncIterator[bytes], headers: dict[str, str], *, cancels: bool
    ) -> None:
        is_sse = headers.get("content-type", "").startswith(EVENT_STREAM)
        super().__init__(_timed(run, body) if is_sse else body, headers=headers)
        self._run = run
        self.cancels = cancels

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        with reading(self._run, cancels=lambda: self.cancels):
            await super().__call__(scope, receive, send)


async def _timed(run: HostedRun, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield an event stream, with a comment before its last events that says for how long it was
    sent: a client sees from it that something has buffered the stream.
    """
    first: float | None = None
    is_told, at_border = False, True
    async for piece in body:
        first = time.monotonic() if first is None else first
        if run.ended and at_border and not is_told:
            is_told = True
            yield _sent_since(first)
        at_border = piece.endswith(b"\n\n")  # a large event comes in several pieces
        yield piece
    if first is not None and run.ended and not is_told:  # the run's end is no event of the system
        yield _sent_since(first)


def _sent_since(first: float) -> bytes:
    """Return the comment with the duration of a stream; nothing if it is short."""
    seconds = time.monotonic() - first
    if seconds < buffering.HELD_BACK_S:
        return b""
    return buffering.sent_over(seconds)


def timed_send(send: Send) -> Send:
    """Return a `send` that writes now and then into an event stream for how long it was sent, for
    streams of which nobody knows here when they end.
    """
    is_sse = False
    first, told = 0.0, 0.0

    async def send_timed(message: Message) -> None:
        nonlocal is_sse, first, told
        if message["type"] == "http.response.start":
            is_sse = (
                Headers(raw=message["headers"]).get("content-type", "").startswith(EVENT_STREAM)
            )
        elif is_sse and message.get("body"):
            now = time.monotonic()
            first = first or now
            if now - max(first, told) >= buffering.HELD_BACK_S / 2:
                told = now
                message = {**message, "body": _sent_since(first) + message["body"]}
        await send(message)

    return send_timed


@contextlib.contextmanager
def reading(run: HostedRun, *, cancels: Callable[[], bool]) -> Iterator[None]:
    """Count a reader of a run in the block.

    Args:
        run: the run.
        cancels: returns whether the run is cancelled if its last reader leaves before the end.
    """
    run.readers += 1
    try:
        yield
    finally:
        run.readers -= 1
        if not run.readers and run.run is not None and cancels():
            run.run.cancel(by="a client that left")


async def wait_for_end(host: Host, request: Request, run: HostedRun) -> None:
    """Wait for the end of a run, for a response that does not stream.

    Raises:
        Problem: the client has left. The run is cancelled if that was asked for.
    """
    with reading(run, cancels=lambda: cancels_on_disconnect(host, request)):
        ending, leaving = (
            asyncio.create_task(waiting) for waiting in (run.wait_for_end(), _left(request))
        )
        try:
            await asyncio.wait((ending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
            leaving.cancel()
        if not run.ended:
            raise Problem(CLIENT_LEFT, "the client has left")


async def _left(request: Request) -> None:
    """Wait until the client of a request, whose body has been read, has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def cancels_on_disconnect(host: Host, connection: HTTPConnection) -> bool:
    """Return True if a run is cancelled when its last reader leaves, by the request or else by the
    server's default. A client with the read token does not choose.
    """
    asked = connection.query_params.get("cancel_on_disconnect")
    if asked is None or connection.scope.get(ROLE) == "read":  # which stops nothing
        return host.cancel_on_disconnect
    return asked.lower() in ("1", "true", "yes")


async def _body(feed: Feed, after: Position) -> AsyncIterator[bytes]:
    """Yield the stream behind a position as the bytes of a body."""
    is_sse = feed.encoder.headers.get("content-type", "").startswith(EVENT_STREAM)
    async for frames in feed.frames(after):
        if frames is not None:
            yield frames
        elif is_sse:
            yield KEEP_ALIVE
