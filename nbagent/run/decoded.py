"""The stream of events of any stream that `nbagent.show` takes."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from nbagent.adapters.base.answers import Answers
from nbagent.adapters.base.decoder import Decoder
from nbagent.gate import secrets
from nbagent.run.adapter import Converter, decoder_of
from nbagent.run.continuation import Continuation
from nbagent.run.decoded_stream import DecodedStream
from nbagent.run.event_source import EventSource
from nbagent.run.requests import requested_tools
from nbagent.runtime.loop import OwnedStream
from nbagent.sources.info import info_of
from nbagent.sources.objects import reader_for
from nbagent.sources.stream import ServiceStream, limit_idle


def decoded(
    source: Any,
    adapter: str | Converter | None = None,
    *,
    decoder: Decoder | None = None,
    idle_timeout: float | None = None,
    resume: Callable[[Answers], Any] | None = None,
    send: Callable[[Any], Any] | None = None,
) -> EventSource:
    """Return the events of a stream, each question with a way back for its answer if there is one.

    Args:
        source: the stream. One of events is returned as it is.
        adapter: its system, or a function from an item to events; None detects the system.
        decoder: in place of the adapter's.
        idle_timeout: seconds for which a service's stream may be silent, if it does not have a
            shorter limit.
        resume: see `Continuation`.
        send: see `Continuation`.

    Raises:
        UnknownSource: `source` is not a stream, or no adapter has that name.
        ValueError: `idle_timeout` is not positive.
        TypeError: `resume` or `send` is not a function, both are given, or `adapter` is neither a
            name nor a function.
    """
    if isinstance(source, EventSource):
        return source
    source = limit_idle(source, idle_timeout)
    reader = reader_for(source, typed=callable(adapter))  # a function expects the SDK's objects
    decoder = decoder or decoder_of(adapter, source)
    secrets.register(*secrets.credentials_of(source))
    info = replace(info_of(source), tools=requested_tools(source))
    is_own = isinstance(source, OwnedStream) and not isinstance(source, ServiceStream)
    if is_own and resume is None and send is None:
        # The questions of a stream of nbagent's own carry their way back.
        return DecodedStream(reader, decoder, info)
    return Continuation(reader, decoder, info, source, resume, send)
