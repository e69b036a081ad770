"""`SuccessiveStreams`: streams that are read one after the other in one run."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.detect import stream_outlives_run
from nbagent.events import Event
from nbagent.sources.objects import Reader


class SuccessiveStreams:
    """A reader and a decoder in one: those of a stream, and of others that take its place.

    Args:
        reader: reads the first stream.
        decoder: decodes the first stream.

    Attributes:
        loop: that the first stream is read on; None if it is read in a thread.
    """

    def __init__(self, reader: Reader, decoder: Decoder) -> None:
        self.loop = reader.loop
        self._reader: Reader = reader
        self._decoder = decoder
        self._lock = threading.Lock()
        self._stopped = False
        self._on_item: Callable[[Any], None] = lambda item: None
        self._on_end: Callable[[BaseException | None], None] = lambda error: None

    @property
    def has_idle_timeout(self) -> bool:
        """True if the stream that is being read fails by itself when it has been silent for too
        long.
        """
        return self._reader.has_idle_timeout

    @property
    def stream_outlives_run(self) -> bool:
        """True if the service leaves its stream open after the run's end."""
        return stream_outlives_run(self._decoder)

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read."""
        self._on_item, self._on_end = on_item, on_end
        self._start(self._reader)

    def end_step(self) -> Iterable[Event]:
        """End the current response."""
        return self._decoder.end_step()

    def _start(self, reader: Reader) -> None:
        """Begin to read one of the streams."""
        raise NotImplementedError
