"""What a run remembers of its events."""

import itertools
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbagent import events as e

KEPT_BYTES = 40 * 1024 * 1024
"""Bytes, about, of what the events hold that nothing else does: some 130,000 deltas of a few characters."""

_BYTES = 260  # an event, its numbers, its place in the log


class EventLog:
    """The newest events; the oldest go when all together hold too much.

    What counts is what only the log keeps alive: the strings of deltas and of whole texts, raw items, a preliminary result.
    What the transcript or the tool calls hold as well (a tool's arguments and result, a file, an application's data) does not
    count: to forget the event would not free it.

    Args:
        events: the first ones.

    Attributes:
        count: how many events there have been, with those that are gone.
    """

    def __init__(self, events: Iterable[e.Event] = ()) -> None:
        self._events: deque[e.Event] = deque()
        self._bytes = 0
        self.count = 0
        for event in events:
            self.append(event)

    def append(self, event: e.Event) -> None:
        """Remember an event."""
        self.count += 1
        self._events.append(event)
        self._bytes += _weight(event)
        while self._bytes > KEPT_BYTES and len(self._events) > 1:
            self._bytes -= _weight(self._events.popleft())

    def newest(self, count: int) -> list[e.Event]:
        """The last `count` events, or as many as there are, oldest first."""
        newest = list(itertools.islice(reversed(self._events), count))
        newest.reverse()
        return newest

    @property
    def gone(self) -> int:
        """How many of the oldest are no longer kept."""
        return self.count - len(self._events)

    def get(self, number: int) -> e.Event | None:
        """Event `number`, counted from 1; None if it is no longer kept, or has not come."""
        return self._events[number - 1 - self.gone] if self.gone < number <= self.count else None

    def since(self, number: int) -> Iterator[e.Event]:
        """The events that are kept, from `number` (from 1) on; what lies before them is not walked through."""
        coming = self.count - number + 1
        if 2 * coming < len(self._events):
            return iter(self.newest(max(0, coming)))
        return itertools.islice(self._events, max(0, number - 1 - self.gone), None)

    def __iter__(self) -> Iterator[e.Event]:
        return iter(self._events)


def _weight(event: e.Event) -> int:
    """Bytes the event alone keeps alive."""
    if type(event) is e.TextDelta or type(event) is e.ReasoningDelta or type(event) is e.ToolArgsDelta:
        size = sys.getsizeof(event.delta)
    elif type(event) is e.TextEnd:
        size = _size(event.text)
    elif type(event) is e.ReasoningEnd:
        size = _size(event.text) + _size(event.signature) + _size(event.encrypted)
    elif type(event) is e.ToolResult and event.preliminary:
        size = _size(event.content) + (0 if event.display is None else _size(event.display.data))
    else:
        size = 0
    size += _BYTES
    return size if event.raw is None and event.meta is None else size + _size(event.raw) + _size(event.meta)


def _size(value: Any) -> int:
    """Bytes of JSON-like data in memory, all of it; of anything else, a guess."""
    if isinstance(value, Mapping):
        return 64 + sum(_size(key) + _size(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return 64 + sum(map(_size, value))
    return sys.getsizeof(value) if isinstance(value, str | bytes) else 32
