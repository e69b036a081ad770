"""The event source of a run, by what was given to it and its options."""

from typing import Any

from nbagent.adapters.base.decoder import Decoder
from nbagent.run.decoded import decoded
from nbagent.run.event_source import EventSource
from nbagent.run.fallback import Fallback
from nbagent.run.options import RunOptions


def run_source(source: Any, decoder: Decoder | None, options: RunOptions) -> EventSource:
    """Return the events that a run reads.

    Args:
        source: a stream, or several as `Lanes` or a `ChatStream`.
        decoder: in place of the adapter's; None for that of the option `adapter`, or one that
            detects the system.
        options: `adapter`, `fallback`, `fallback_after_output`, `idle_timeout`, `resume` and `send`
            are used here.

    Raises:
        UnknownSource: `source` is not a stream, or no adapter has that name.
        ValueError: `idle_timeout` is not positive.
        TypeError: `fallback`, `resume` or `send` is not a function, or `adapter` is neither a name
            nor a function.
    """
    resume, send = options.get("resume"), options.get("send")
    if isinstance(source, EventSource) and (resume is not None or send is not None):
        raise TypeError(
            "resume= and send= are for one stream; give each of several streams a show() of its own"
        )
    stream = decoded(
        source,
        options.get("adapter"),
        decoder=decoder,
        idle_timeout=options.get("idle_timeout"),
        resume=resume,
        send=send,
    )
    ask = options.get("fallback")
    if ask is None:
        return stream
    return Fallback(stream, ask, after_output=options.get("fallback_after_output", False))
