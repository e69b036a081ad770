"""`DecodedStream`: the items of one stream, decoded."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.detect import DetectingDecoder, stream_outlives_run
from nbagent.events import ApprovalRequest, ApprovalResponse, Event, RunEnd, ToolResult
from nbagent.gate import secrets
from nbagent.run.event_source import EventSource, OnEnd, Take
from nbagent.sources.info import SourceInfo
from nbagent.sources.reader import Reader

_NOTABLE = frozenset({RunEnd, ApprovalRequest, ApprovalResponse, ToolResult})


class DecodedStream(EventSource):
    """The events of one stream.

    Args:
        reader: reads the stream's items.
        decoder: makes events of them.
        info: what is known of the stream.
    """

    def __init__(self, reader: Reader, decoder: Decoder, info: SourceInfo) -> None:
        self.info = info
        self.loop = reader.loop
        self._reader = reader
        self._decoder = decoder
        self._last: Any = None

    @property
    def has_idle_timeout(self) -> bool:
        """True if the stream fails by itself when it has been silent for too long."""
        return self._reader.has_idle_timeout

    def open(self, take: Take, on_end: OnEnd) -> None:
        """Begin to read."""
        self._reader.start(partial(take, self._decode), on_end)

    def cancel(self) -> None:
        """Stop reading, and close the stream."""
        self._reader.cancel()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """Return the last events."""
        secrets.register(*secrets.credentials_of(error))
        # A run may be kept for long: its decoder's state goes.
        decoder, self._decoder, self._last = self._decoder, DetectingDecoder(), None
        return decoder.close(error)

    def _decode(self, item: Any) -> list[Event]:
        self._last = item
        events = self._decoder.feed(item)
        if not isinstance(events, list):
            events = list(events)
        if _NOTABLE.isdisjoint(map(type, events)):
            return events
        return self._with_notable(events)

    def _with_notable(self, events: list[Event]) -> list[Event]:
        """Return the events, some of which concern the stream itself."""
        if events and type(events[-1]) is RunEnd and stream_outlives_run(self._decoder):
            self._reader.cancel()  # the service would keep the connection open for ever
        return events
