"""`encode()`: the events of a run as the stream of another system."""

import itertools
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from typing import Any, Literal, TypeAlias, TypeVar, overload

from nbagent import events as ev
from nbagent.adapters.base.encoder import Item
from nbagent.adapters.base.encoder_protocol import Encoder
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.encoders import encoder_named
from nbagent.adapters.joined import async_joined, joined
from nbagent.adapters.one_run import OneRunEncoder

Piece = TypeVar("Piece")
Form: TypeAlias = Literal["items", "bytes", "messages"]


class EncodedStream:
    """Events of a run as the stream of another system.

    Attributes:
        system: name of the system.
        headers: HTTP headers of a response with the stream's bytes, with names in lower case.
        loses: what the system cannot represent, as strings that describe one loss each.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.system: str = encoder.system
        self.headers: Mapping[str, str] = encoder.headers
        self.loses: frozenset[Loss] = encoder.loses

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.system}>"


class EncodedIterator(EncodedStream, Iterator[Piece]):
    """Encoded stream of an iterable of events."""

    def __init__(self, encoder: Encoder, pieces: Iterator[Piece]) -> None:
        super().__init__(encoder)
        self._pieces = pieces

    def __next__(self) -> Piece:
        return next(self._pieces)


class AsyncEncodedIterator(EncodedStream, AsyncIterator[Piece]):
    """Encoded stream of an async iterable of events."""

    def __init__(self, encoder: Encoder, pieces: AsyncGenerator[Piece, None]) -> None:
        super().__init__(encoder)
        self._pieces = pieces

    async def __anext__(self) -> Piece:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Stop reading the events, and close their source if it is an async generator."""
        await self._pieces.aclose()


@overload
def encode(
    events: AsyncIterable[ev.Event],
    system: str,
    as_: Literal["items"] = ...,
    *,
    join: float | None = ...,
) -> AsyncEncodedIterator[Item]: ...
@overload
def encode(
    events: AsyncIterable[ev.Event], system: str, as_: Literal["bytes"], *, join: float | None = ...
) -> AsyncEncodedIterator[bytes]: ...
@overload
def encode(
    events: AsyncIterable[ev.Event],
    system: str,
    as_: Literal["messages"],
    *,
    join: float | None = ...,
) -> AsyncEncodedIterator[str]: ...
@overload
def encode(
    events: Iterable[ev.Event],
    system: str,
    as_: Literal["items"] = ...,
    *,
    join: float | None = ...,
) -> EncodedIterator[Item]: ...
@overload
def encode(
    events: Iterable[ev.Event], system: str, as_: Literal["bytes"], *, join: float | None = ...
) -> EncodedIterator[bytes]: ...
@overload
def encode(
    events: Iterable[ev.Event], system: str, as_: Literal["messages"], *, join: float | None = ...
) -> EncodedIterator[str]: ...
def encode(
    events: Iterable[ev.Event] | AsyncIterable[ev.Event],
    system: str,
    as_: Form = "items",
    *,
    join: float | None = None,
) -> EncodedStream:
    """Return the stream that the system's own server would send for a run.

        list(nbagent.encode(run.events, "vercel.ui"))
        body = nbagent.encode(run.stream(), "openai.chat", "bytes")
        return StreamingResponse(body, headers=body.headers)

    Several runs that follow one another, as in a generator that passes on the streams of two
    agents, become one, which ends when the events do.

    The stream is always complete. If the events end early, it ends as a stream that failed. If
    reading the events raises, the error is encoded first and raised then. The attribute `loses` of
    the result lists what the system cannot represent.

    Server-sent events have the ids 1, 2, 3, … A browser's `EventSource` that loses its connection
    asks again, with the last id in the header `Last-Event-ID`. A server that keeps the pieces of a
    run then goes on after that many; any other should answer with the status 204, which stops the
    client, because it would show a second run as the rest of the first.

    Args:
        events: the events of a run, as an iterable or an async iterable. An object that is both,
            such as `run.stream()`, is read asynchronously; pass `iter(run.stream())` to read it
            synchronously.
        system: "vercel.ui" or "vercel" (`ai` 6 and 7), "vercel.ui.v5" or "vercel.v5", "ag_ui" or
            "ag-ui", "openai.chat", "openai.responses", "openai.assistants", "nearai", "dexto",
            "hector", "agentor", "status.tokens", or "nbagent" (our own events, as the lines of a
            recording).
        as_: "items" for dicts (and the string "[DONE]" in some systems), "bytes" for the body of an
            HTTP response in pieces, "messages" for the text messages of a WebSocket.
        join: seconds for which deltas of a block are held back, to be sent as one; None sends each
            as it comes. Of a plain iterable, which cannot be interrupted, held deltas wait for the
            next event.

    Returns:
        An iterator for an iterable, an async iterator for an async iterable; with the attributes of
        `EncodedStream`.

    Raises:
        UnknownSystem: no encoder has that name.
        ValueError: `as_` is none of the three forms, or `join` is not positive.
    """
    if join is not None and not join > 0:
        raise ValueError(f"join= takes a positive number of seconds, or None; got {join!r}")
    encoder = encoder_named(system)
    write = _writer(encoder, as_)
    if isinstance(events, AsyncIterable):
        return AsyncEncodedIterator(encoder, _async_pieces(events, encoder, write, join))
    return EncodedIterator(
        encoder, _pieces(events if join is None else joined(events, join), encoder, write)
    )


def _writer(encoder: Encoder, form: Form) -> Callable[[Item], Any]:
    match form:
        case "items":
            return lambda item: item
        case "bytes":
            numbers = itertools.count(1)
            return lambda item: encoder.frame(item, next(numbers))
        case "messages":
            return encoder.message
        case _:
            raise ValueError(
                f"as_={form!r} is not a form of a stream; use 'items', 'bytes' or 'messages'."
            )


def _pieces(
    events: Iterable[ev.Event], encoder: Encoder, write: Callable[[Item], Any]
) -> Iterator[Any]:
    whole = OneRunEncoder(encoder)
    try:
        for event in events:
            for item in whole.feed(event):
                yield write(item)
    except Exception as error:
        for item in whole.close(error):
            yield write(item)
        raise
    for item in whole.close():
        yield write(item)


async def _async_pieces(
    events: AsyncIterable[ev.Event],
    encoder: Encoder,
    write: Callable[[Item], Any],
    join: float | None,
) -> AsyncGenerator[Any, None]:
    source = events if join is None else async_joined(events, join)
    whole = OneRunEncoder(encoder)
    try:
        async for event in source:
            for item in whole.feed(event):
                yield write(item)
    except Exception as error:
        for item in whole.close(error):
            yield write(item)
        raise
    finally:
        for opened in (source, events):  # a reader that stops early must not leave the source open
            if isinstance(opened, AsyncGenerator):
                await opened.aclose()
    for item in whole.close():
        yield write(item)
