"""Detection of the decoder of a stream by its first items, where the system is not named."""

from collections.abc import Callable, Iterable
from typing import Any

from nbagent.adapters.base.decoder import BaseDecoder, Decoder
from nbagent.adapters.base.payload import try_wire_dict
from nbagent.adapters.decoders import decoder_for, decoder_named, system_of
from nbagent.adapters.nbagent_events.decoder import EventsDecoder
from nbagent.adapters.unknown.decoder import UnknownDecoder
from nbagent.errors import UnknownSource
from nbagent.events import Event

MAX_HELD_ITEMS = 3
"""Items that are held back at the beginning while they do not identify a system: keep-alives, or
items of the service's own.
"""

_KEEP_ALIVES = frozenset({"ping", "keepalive", "keep-alive", "heartbeat"})


class DetectingDecoder:
    """A decoder that finds the right one by the first items, gives it those, and then steps out of
    the way.

    From then on `feed` and `end_step` *are* the found decoder's methods: detection costs nothing
    for the rest of the run.

    Args:
        hint: called at each item until the decoder is found; returns the system's name if the
            source knows it.
        has_closed: called at the end; returns True if the service closed its connection properly
            (`ServiceStream.has_closed`).
        is_service: whether a service sends the stream. Of our own events it sends one run, and may
            leave its stream open then.
    """

    def __init__(
        self,
        hint: Callable[[], str | None] = lambda: None,
        has_closed: Callable[[], bool] = lambda: False,
        *,
        is_service: bool = False,
    ) -> None:
        self._hint = hint
        self._has_closed = has_closed
        self._is_service = is_service
        self._held: list[Any] = []
        self._found: Decoder | None = None

    @property
    def system(self) -> str:
        """Name of the system; "unknown" until it is found."""
        if self._found is None:
            return UnknownDecoder.system
        return self._found.system

    @property
    def stream_outlives_run(self) -> bool:
        """True if the service leaves its stream open after the run's end."""
        return self._found is not None and stream_outlives_run(self._found)

    def feed(self, item: Any) -> Iterable[Event]:
        """Return the events of one item; none while the system is not known.

        Raises:
            UnknownSource: no stream has such a first item (None, a number).
        """
        system = self._hint()
        decoder = self._decoder_for(item) if system is None else decoder_named(system)
        is_unidentified = (
            isinstance(decoder, UnknownDecoder) or try_wire_dict(item).get("type") in _KEEP_ALIVES
        )
        self._held.append(item)
        if system is None and is_unidentified and len(self._held) <= MAX_HELD_ITEMS:
            return []
        return self._hand_over(decoder)

    def end_step(self) -> Iterable[Event]:
        """Return nothing: no response has begun."""
        return []

    def pause(self) -> list[Event] | None:
        """End the stream, but not the run, if the run waits for its reader; see
        `BaseDecoder.pause`.
        """
        if self._found is not None:
            return pause(self._found)
        return None

    def go_on(self) -> None:
        """Go on with a run that was paused."""
        if isinstance(self._found, BaseDecoder):
            self._found.go_on()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """End the run, by EOF or by `error`."""
        held: list[Event] = []
        if self._found is None:
            system = self._hint()
            # Without items no system can be detected: the text decoder reports the empty stream.
            first = self._held[-1] if self._held else ""
            held = self._hand_over(decoder_for(first) if system is None else decoder_named(system))
        assert self._found is not None
        if error is None and self._has_closed() and isinstance(self._found, BaseDecoder):
            self._found.closed()
        return [*held, *self._found.close(error)]

    def _decoder_for(self, item: Any) -> Decoder:
        try:
            return decoder_for(item)
        except UnknownSource:
            if not self._held:
                raise
            return UnknownDecoder()

    def _hand_over(self, decoder: Decoder) -> list[Event]:
        self._found = decoder
        if isinstance(decoder, BaseDecoder):
            decoder.system_of = system_of
        if isinstance(decoder, EventsDecoder):
            decoder.stream_outlives_run = self._is_service
        self.feed = decoder.feed  # type: ignore[method-assign]
        self.end_step = decoder.end_step  # type: ignore[method-assign]
        held, self._held = self._held, []
        return [event for item in held for event in decoder.feed(item)]


def stream_outlives_run(decoder: Decoder) -> bool:
    """Return True if the decoder's service leaves its stream open after the run's end, so that
    nothing more is to come.
    """
    return bool(getattr(decoder, "stream_outlives_run", False))


def pause(decoder: Decoder) -> list[Event] | None:
    """End a stream, but not the run, if the run waits for its reader; None if it does not.

    See `BaseDecoder.pause`.
    """
    if isinstance(decoder, (BaseDecoder, DetectingDecoder)):
        return decoder.pause()
    return None


def go_on(decoder: Decoder) -> None:
    """Go on with a run that was paused."""
    if isinstance(decoder, (BaseDecoder, DetectingDecoder)):
        decoder.go_on()
