"""The reader and the decoder of a run, by its source and options."""

from typing import Any

from nbagent.adapters.base.decoder import Decoder
from nbagent.run.adapter import decoder_of
from nbagent.run.chat_stream import ChatStream
from nbagent.run.continuation import continued
from nbagent.run.fallback import Fallback
from nbagent.run.lanes import Lanes
from nbagent.run.options import RunOptions
from nbagent.sources.objects import Reader, reader_for
from nbagent.sources.stream import limit_idle


def reader_and_decoder(
    source: Any, decoder: Decoder | None, options: RunOptions
) -> tuple[Reader, Decoder]:
    """Return the reader of a source, and the decoder of its items.

    Args:
        source: a stream, or several as `Lanes` or a `ChatStream`, which bring both.
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
    reader: Reader
    if isinstance(source, Lanes):
        if options.get("resume") is not None or options.get("send") is not None:
            raise TypeError(
                "resume= and send= are for one stream; give each of several streams a show() of "
                "its own"
            )
        reader, decoder = source.reader, source.decoder
    elif isinstance(source, ChatStream):
        return source.reader, source.decoder
    else:
        source = limit_idle(source, options.get("idle_timeout"))
        reader = reader_for(source)
        decoder = decoder or decoder_of(options.get("adapter"), source)
        reader, decoder = continued(
            reader, decoder, source, options.get("resume"), options.get("send")
        )
    ask = options.get("fallback")
    if ask is None:
        return reader, decoder
    fallback = Fallback(
        reader, decoder, ask, after_output=options.get("fallback_after_output", False)
    )
    return fallback, fallback
