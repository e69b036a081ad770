"""The response that carries a served run."""

from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from nbagent.adapters.base.encoder import Encoder
from nbagent.server.feed import Feed
from nbagent.server.host import Host
from nbagent.server.hosted_run import HostedRun
from nbagent.server.position import START, Position, parse_id
from nbagent.server.problem import Problem

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
    """Return the response with a run, or with the rest of the one that the request's `Last-Event-ID` names.

    Args:
        host: has the runs.
        request: of the client.
        start: begins or finds the run of a client that does not go on.
        system: name of the form of the stream.
        encoder: makes the encoder of that form; by default the system's own.

    Raises:
        Problem: the `Last-Event-ID` is none of ours (400), or its run is not known (404).
    """
    last = request.headers.get("last-event-id")
    after = START
    if last:
        named = parse_id(last)
        if named is None:
            raise Problem(400, f"Last-Event-ID {last[:80]!r} is no id of this server, such as 'run-…:12-1'")
        run, after = await host.find(named[0]), named[1]
    else:
        run = await start()
    feed = run.feed(system) if encoder is None else run.encoded_by(system, encoder)
    headers = {**feed.encoder.headers, RUN_ID_HEADER: run.id}
    if feed.is_over(after):
        return Response(status_code=204, headers={RUN_ID_HEADER: run.id})  # an EventSource that has all asks no more
    return StreamingResponse(_body(feed, after), headers=headers)


async def _body(feed: Feed, after: Position) -> AsyncIterator[bytes]:
    """Yield the stream behind a position as the bytes of a body."""
    is_sse = feed.encoder.headers.get("content-type", "").startswith("text/event-stream")
    async for frames in feed.frames(after):
        if frames is not None:
            yield frames
        elif is_sse:
            yield KEEP_ALIVE
