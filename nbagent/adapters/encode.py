"""`encode()`: the events of a run, told to another system's clients."""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Literal, overload

from nbagent import events as ev
from nbagent.adapters.base.encoder import Encoder, Item
from nbagent.adapters.encoders import encoder_named

Form = Literal["items", "bytes", "messages"]


@overload
def encode(events: AsyncIterable[ev.Event], system: str, as_: Literal["items"] = ...) -> AsyncIterator[Item]: ...
@overload
def encode(events: AsyncIterable[ev.Event], system: str, as_: Literal["bytes"]) -> AsyncIterator[bytes]: ...
@overload
def encode(events: AsyncIterable[ev.Event], system: str, as_: Literal["messages"]) -> AsyncIterator[str]: ...
@overload
def encode(events: Iterable[ev.Event], system: str, as_: Literal["items"] = ...) -> Iterator[Item]: ...
@overload
def encode(events: Iterable[ev.Event], system: str, as_: Literal["bytes"]) -> Iterator[bytes]: ...
@overload
def encode(events: Iterable[ev.Event], system: str, as_: Literal["messages"]) -> Iterator[str]: ...
def encode(events: Iterable[ev.Event] | AsyncIterable[ev.Event], system: str, as_: Form = "items") -> Any:
    """What that system's server would send, had the run been its own.

        nbagent.encode(run.events, "vercel.ui")
        async for piece in nbagent.encode(run.stream(), "openai.chat", "bytes"): …

    Nothing is left open: where the events break off, the stream ends as one that failed; where reading them raises, that is
    told first, and raised then. What a system has no word for is lost; `encoder_named(system).loses` lists it. The HTTP headers
    that go with the bytes are in `encoder_named(system).headers`.

    Args:
        events: the events of one run, as an iterable or an async iterable; what is both, such as `run.stream()`, is read
            asynchronously, and `iter(run.stream())` otherwise.
        system: "vercel.ui" (`ai` 6 and 7), "vercel.ui.v5", "ag_ui", "openai.chat", "openai.responses", "openai.assistants",
            "nearai", "dexto", "hector", "agentor" or "status.tokens".
        as_: "items" for dicts (and the odd `[DONE]`), "bytes" for the body of an HTTP response in pieces, "messages" for
            the messages of a WebSocket.

    Returns:
        An iterator, or an async iterator, as the events are.

    Raises:
        UnknownSystem: no encoder has that name.
        ValueError: `as_` is none of the three.
    """
    encoder = encoder_named(system)
    form = _FORMS.get(as_)
    if form is None:
        raise ValueError(f"as_={as_!r} is no form of a stream; use one of {', '.join(map(repr, _FORMS))}")
    if isinstance(events, AsyncIterable):
        return _async(events, encoder, form)
    return _sync(events, encoder, form)


_FORMS: dict[str, Any] = {
    "items": lambda encoder, item: item,
    "bytes": lambda encoder, item: encoder.frame(item),
    "messages": lambda encoder, item: encoder.message(item),
}


def _sync(events: Iterable[ev.Event], encoder: Encoder, form: Any) -> Iterator[Any]:
    try:
        for event in events:
            for item in encoder.feed(event):
                yield form(encoder, item)
    except Exception as error:
        for item in encoder.close(error):
            yield form(encoder, item)
        raise
    for item in encoder.close():
        yield form(encoder, item)


async def _async(events: AsyncIterable[ev.Event], encoder: Encoder, form: Any) -> AsyncIterator[Any]:
    try:
        async for event in events:
            for item in encoder.feed(event):
                yield form(encoder, item)
    except Exception as error:
        for item in encoder.close(error):
            yield form(encoder, item)
        raise
    finally:
        if isinstance(events, AsyncGenerator):  # a reader that left early leaves the source, too
            await events.aclose()
    for item in encoder.close():
        yield form(encoder, item)
