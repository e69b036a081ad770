"""The decoder of a stream that nobody has named: found as soon as an item tells whose it is."""

from collections.abc import Callable, Iterable
from typing import Any

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.base.payload import try_wire_dict
from nbagent.adapters.decoders import decoder_for, decoder_named
from nbagent.adapters.unknown.decoder import UnknownDecoder
from nbagent.errors import UnknownSource
from nbagent.events import Event

HELD = 3
"""Items that are kept back at the beginning while they tell nothing: a sign of life, or something of the service's own."""

_SIGNS_OF_LIFE = frozenset({"ping", "keepalive", "keep-alive", "heartbeat"})


class DetectingDecoder:
    """A decoder by what comes: it becomes the one that the first telling item asks for, and gives that all items.

    Args:
        hint: asked at the first item for the system's name, where the source knows it.
    """

    def __init__(self, hint: Callable[[], str | None] = lambda: None) -> None:
        self._hint = hint
        self._held: list[Any] = []
        self._found: Decoder | None = None

    @property
    def system(self) -> str:
        """The system's name, once it is known; "unknown" before."""
        return UnknownDecoder.system if self._found is None else self._found.system

    @property
    def stream_outlives_run(self) -> bool:
        """Return True if the service leaves its stream open after the run's end."""
        return bool(getattr(self._found, "stream_outlives_run", False))

    def feed(self, item: Any) -> Iterable[Event]:
        """The events that one item means; none while it is not known whose it is.

        Raises:
            UnknownSource: the first item cannot be one (None, a number).
        """
        if self._found is not None:
            return self._found.feed(item)
        system = self._hint()
        decoder = self._decoder_for(item) if system is None else decoder_named(system)
        tells_nothing = isinstance(decoder, UnknownDecoder) or try_wire_dict(item).get("type") in _SIGNS_OF_LIFE
        self._held.append(item)
        if system is None and tells_nothing and len(self._held) <= HELD:
            return []
        return self._become(decoder)

    def end_step(self) -> Iterable[Event]:
        """The source says that the current response is over; more responses may follow."""
        return [] if self._found is None else self._found.end_step()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """The stream is over, by itself or by `error`."""
        # Nothing came at all? An empty text is an honest reading of that.
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
