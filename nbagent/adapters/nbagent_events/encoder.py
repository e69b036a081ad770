"""Encoder of our own events: the lines of a recording, for `nbagent show URL` and `nbagent replay
FILE`.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from nbagent import events as ev
from nbagent.adapters.base.encoder import UNBUFFERED, BaseEncoder, Item
from nbagent.events.lines import header, line


class EventsEncoder(BaseEncoder):
    """Passes events on as dicts, after the header of a recording. Only live objects are lost."""

    system: ClassVar[str] = "nbagent"
    headers: ClassVar[Mapping[str, str]] = {"content-type": "application/x-ndjson", **UNBUFFERED}

    def feed(self, event: ev.Event) -> list[Item]:
        """Return the event, after the header if it is the first; nothing after `run.end`."""
        if self._ended:
            return []
        self._ended = isinstance(event, ev.RunEnd)
        head = [] if self._started else [header(event.ts)]
        self._started = True
        return [msgspec.json.decode(text) for text in (*head, line(event))]

    def frame(self, item: Item, number: int | str | None = None) -> bytes:
        """Return an item as a line of JSON, which has no place for a number."""
        return self.message(item).encode() + b"\n"

    def message(self, item: Item) -> str:
        """Return an item as JSON."""
        return msgspec.json.encode(item).decode()
