"""An event source that a test feeds by hand."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from nbagent.adapters.nbagent_events.decoder import EventsDecoder
from nbagent.errors import Cancelled
from nbagent.events import Event
from nbagent.run.decoded_stream import DecodedStream
from nbagent.run.event_source import EventSource
from nbagent.sources.info import SourceInfo


class ByHand(DecodedStream):
    """A stream whose items come when a test says so, and that ends at once when it is cancelled."""

    def __init__(self, name: str) -> None:
        self._items = _Items()
        super().__init__(self._items, EventsDecoder(), SourceInfo(name=name, origin="user"))

    def item(self, item: Any) -> None:
        self._items.on_item(item)

    def end(self, error: BaseException | None = None) -> None:
        self._items.on_end(error)


class _Items:
    loop: asyncio.AbstractEventLoop | None = None
    has_idle_timeout = False

    def __init__(self) -> None:
        self._cancelled = False

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        self.on_item, self.on_end = on_item, on_end

    def cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self.on_end(Cancelled())


class Taken:
    """The events of a source, as a run takes them.

    Attributes:
        events: so far.
        ends: how the source ended; once.
    """

    def __init__(self, source: EventSource) -> None:
        self.events: list[Event] = []
        self.ends: list[BaseException | None] = []
        self._source = source
        source.open(self._take, self.ends.append)

    def close(self, error: BaseException | None = None) -> list[Event]:
        self.events += self._source.close(error)
        return self.events

    def _take(self, make: Callable[..., Iterable[Event]], *args: Any) -> None:
        self.events += make(*args)
