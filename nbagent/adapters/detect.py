"""Decoder of a stream whose system is not given: it is detected by the first items."""

from collections.abc import Callable, Iterable
from typing import Any

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.base.payload import try_wire_dict
from nbagent.adapters.decoders import decoder_for, decoder_named
from nbagent.adapters.unknown.decoder import UnknownDecoder
from nbagent.errors import UnknownSource
from nbagent.events import Event

MAX_HELD_ITEMS = 3
"""Number of items kept back at the start while they identify no system: keep-alives, or items of the service's own."""

_KEEP_ALIVES = frozenset({"ping", "keepalive", "keep-alive", "heartbeat"})


class DetectingDecoder:
    """Decoder that detects the system by the first item that identifies one, and gives that system's decoder all items.

    Args:
        hint: called at the first items; returns the system's name if the source knows it, else None.
    """

    def __init__(self, hint: Callable[[], str | None] = lambda: None) -> None:
        self._hint = hint
        self._held: list[Any] = []
        self._found: Decoder | None = None

    @property
    def system(self) -> str:
        """Name of the detected system; "unknown" before."""
        return UnknownDecoder.system if self._found is None else self._found.system

    @property
    def stream_outlives_run(self) -> bool:
        """True if the service leaves its stream open after the run's end."""
        return bool(getattr(self._found, "stream_outlives_run", False))

    def feed(self, item: Any) -> Iterable[Event]:
        """Return the events of one item; none until the system is detected.

        Raises:
            UnknownSource: no stream has such a first item (None, a number).
        """
        if self._found is not None:
            return self._found.feed(item)
        system = self._hint()
        decoder = self._decoder_for(item) if system is None else decoder_named(system)
        is_unidentified = isinstance(decoder, UnknownDecoder) or try_wire_dict(item).get("type") in _KEEP_ALIVES
        self._held.append(item)
        if system is None and is_unidentified and len(self._held) <= MAX_HELD_ITEMS:
            return []
        return self._become(decoder)

    def end_step(self) -> Iterable[Event]:
        """End the current response, whose own stream ended. More responses may follow."""
        return [] if self._found is None else self._found.end_step()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """End the run, by EOF or by `error`."""
        # An empty stream is read as an empty text.
        held = [] if self._found is not None else self._become(decoder_for(self._held[-1] if self._held else ""))
        assert self._found is not None
        return [*held, *self._found.close(error)]

    def _decoder_for(self, item: Any) -> Decoder:
        try:
            return decoder_for(item)
        except UnknownSource:
            if not self._held:
                raise
            return UnknownDecoder()

    def _become(self, decoder: Decoder) -> list[Event]:
        self._found = decoder
        held, self._held = self._held, []
        return [event for item in held for event in decoder.feed(item)]
