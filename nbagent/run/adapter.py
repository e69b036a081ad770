"""The decoder of a run's items, by the option `adapter`: a system's name, a function of the user's,
or detection.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeAlias

from nbagent import events as e
from nbagent.adapters.base.decoder import BaseDecoder, Decoder
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.detect import DetectingDecoder
from nbagent.adapters.nbagent_events.decoder import EventsDecoder
from nbagent.runtime.loop import OwnedStream
from nbagent.sources.stream import ServiceStream

Converter: TypeAlias = Callable[[Any], "e.Event | str | Iterable[e.Event | str] | None"]
"""Function from an item to its events. A text is the next piece of the answer; None is nothing."""


def decoder_of(adapter: str | Converter | None, source: Any) -> Decoder:
    """Return a new decoder for a source.

    Args:
        adapter: name of the system, or a function from an item to its events; None detects the
            system by the first items.
        source: a stream of nbagent's own may know its system.

    Raises:
        UnknownSource: no adapter has that name.
        TypeError: `adapter` is neither a name nor a function.
    """
    is_service = isinstance(source, ServiceStream)
    if adapter is not None and not isinstance(adapter, str):
        if not callable(adapter):
            raise TypeError(
                "adapter= is a system's name or a function from an item to events; got "
                f"{type(adapter).__name__}"
            )
        decoder = FunctionDecoder(adapter)
        decoder.stream_outlives_run = is_service
        return decoder
    if adapter is not None:
        decoder_named(adapter)  # a wrong name is refused here, not at the first item
    known = None
    if isinstance(source, OwnedStream):
        known = source
    return DetectingDecoder(
        lambda: adapter or getattr(known, "adapter", None),
        lambda: getattr(known, "has_closed", False),
        is_service=is_service,
    )


class FunctionDecoder(EventsDecoder):
    """Decodes items by a function of the user's.

    What it leaves out is added: `run.start`, a start before a delta, ends.

    An item for which it raises becomes a `raw` event; the first such error is shown, and the run
    goes on.

    Args:
        convert: returns an event, a text, several of these, or None for an item of which nothing is
            to be seen.
    """

    system: ClassVar[str] = "function"
    reads_frames: ClassVar[bool] = True

    def __init__(self, convert: Converter) -> None:
        super().__init__()
        self._convert = convert
        self._has_failed = False
        self._texts = 0
        self._is_in_text = False

    feed = BaseDecoder.feed  # the function sees every item

    def read(self, item: Any) -> None:
        """Write the events of one item."""
        try:
            converted = _several(self._convert(item))
        except Exception as error:
            # The user's function: its mistake must not end the run, nor stay unseen.
            if not self._has_failed:
                self._has_failed = True
                self.builder.error(
                    f"adapter= raised {type(error).__name__}: {error}",
                    error_type=type(error).__name__,
                    fatal=False,
                )
            raise  # the item becomes `raw`
        for each in converted:
            for part in self._parts(each):
                super().read(part)

    def _parts(self, made: Any) -> Iterable[Any]:
        """Yield the function's events, a text as the next delta of a text block.

        Anything else ends that block.
        """
        if isinstance(made, str):
            if not self._is_in_text:
                self._is_in_text = True
                self._texts += 1
            yield e.TextDelta(id=f"adapter-text-{self._texts}", delta=made)
            return
        if self._is_in_text:
            self._is_in_text = False
            yield e.TextEnd(id=f"adapter-text-{self._texts}")
        yield made


def _several(made: Any) -> list[Any]:
    """Return what a function has made of an item as a list."""
    if made is None:
        return []
    if isinstance(made, (str, dict)) or not isinstance(made, Iterable):
        return [made]
    return list(made)
