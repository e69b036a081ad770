"""`EventLog`: the newest events of a run, limited in memory."""

import itertools
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nbagent import events as e

MAX_LOG_BYTES = 40 * 1024 * 1024
"""Approximate limit of the memory that only the log keeps alive, in bytes: some 130,000 deltas of a
few characters.
"""

_EVENT_BYTES = 260  # an event without its strings, and its entry in the log


class EventLog:
    """The newest events. The oldest are dropped when all together take more than `MAX_LOG_BYTES`.

    Only memory that the log alone keeps alive counts: the strings of deltas and of whole texts, raw
    items, preliminary results. Objects that the transcript or the tool calls hold as well (a tool's
    arguments and result, a file, an application's data) do not count: dropping the event would not
    free them.

    Args:
        events: the first ones.
        on_drop: called with each event that is dropped.

    Attributes:
        count: number of events so far, including the dropped ones.
    """

    def __init__(
        self,
        events: Iterable[e.Event] = (),
        on_drop: Callable[[e.Event], object] = lambda event: None,
    ) -> None:
        self._on_drop = on_drop
        self._events: deque[e.Event] = deque()
        self._bytes = 0
        self.count = 0
        for event in events:
            self.append(event)

    def append(self, event: e.Event) -> None:
        """Add an event."""
        self.count += 1
        self._events.append(event)
        self._bytes += _own_bytes(event)
        while self._bytes > MAX_LOG_BYTES and len(self._events) > 1:
            dropped = self._events.popleft()
            self._bytes -= _own_bytes(dropped)
            self._on_drop(dropped)

    def newest(self, count: int) -> list[e.Event]:
        """Return the last `count` events, or as many as there are, oldest first."""
        newest = list(itertools.islice(reversed(self._events), count))
        newest.reverse()
        return newest

    @property
    def bytes(self) -> int:
        """Bytes that the log alone keeps alive, about."""
        return self._bytes

    @property
    def dropped(self) -> int:
        """Number of events that were dropped, the oldest ones."""
        return self.count - len(self._events)

    def get(self, number: int) -> e.Event | None:
        """Return event `number`, counted from 1; None if it was dropped, or has not come yet."""
        if not self.dropped < number <= self.count:
            return None
        return self._events[number - 1 - self.dropped]

    def since(self, number: int) -> Iterator[e.Event]:
        """Iterate over the kept events from `number` (from 1) on.

        Takes time for those only, not for the ones before.
        """
        coming = self.count - number + 1
        if 2 * coming < len(self._events):
            return iter(self.newest(max(0, coming)))
        return itertools.islice(self._events, max(0, number - 1 - self.dropped), None)

    def __iter__(self) -> Iterator[e.Event]:
        return iter(self._events)


def _own_bytes(event: e.Event) -> int:
    """Return the bytes that the event alone keeps alive."""
    size = _EVENT_BYTES
    match event:
        case e.TextDelta() | e.ReasoningDelta() | e.ToolArgsDelta():
            size += sys.getsizeof(event.delta)
        case e.TextEnd():
            size += _size(event.text)
        case e.ReasoningEnd():
            size += _size(event.text) + _size(event.signature) + _size(event.encrypted)
        case e.ToolResult(preliminary=True):
            size += _size(event.content)
            if event.display is not None:
                size += _size(event.display.data)
    if event.raw is not None or event.meta is not None:
        size += _size(event.raw) + _size(event.meta)
    return size


def _size(value: Any) -> int:
    """Return the bytes of JSON-like data in memory; an estimate for anything else."""
    if isinstance(value, Mapping):
        return 64 + sum(_size(key) + _size(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return 64 + sum(map(_size, value))
    return sys.getsizeof(value) if isinstance(value, (str, bytes)) else 32
