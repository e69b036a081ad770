"""Finds the events of a run that match a question."""

from array import array
from collections.abc import Callable
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.blocks import KIND_OF
from nbagent.events.codec import to_browser_json
from nbagent.events.jsonable import text_safe
from nbagent.events.log import EventLog
from nbagent.protocol.inspection import EventsQuestion

STRETCH_BYTES = 512 * 1024
"""Bytes of JSON that are searched at a time."""
MIN_EVENT_BYTES = 4
"""Bytes that an event counts for whose JSON is not searched: all that a run keeps are one stretch,
so that the list of events opens with one answer.
"""
MAX_TEXT_CHARS = 200
"""Characters that can be searched for."""
DELTAS = (e.TextDelta, e.ReasoningDelta, e.ToolArgsDelta, e.ToolOutput)
"""Events that are only the next piece of a block's text."""


class Search:
    """Finds the numbers of the events that match a question, a stretch of the log at a time.

    Args:
        question: the question.
        block_id: maps (event id, block kind) to a block id; see `Transcript.block_id`.

    Attributes:
        found: the numbers of the matching events, ascending.
        seen: number of the last event that was searched.
    """

    def __init__(self, question: EventsQuestion, block_id: Callable[[str, str], str]) -> None:
        self.found = array("Q")
        self.seen = 0
        self._type = question.type.removesuffix("*")
        self._family = question.type.endswith(".*")
        # As it stands in JSON, where a quotation mark is two characters.
        self._text = (
            msgspec.json.encode(text_safe(question.text[:MAX_TEXT_CHARS])).decode()[1:-1].casefold()
        )
        self._block = question.block
        self._kind = question.kind
        self._fold = question.fold
        # the blocks whose next delta joins a row that is there
        self._folded: set[tuple[type[e.Event], str]] = set()
        self._block_id = block_id

    def search_next(self, log: EventLog) -> None:
        """Search the next stretch."""
        left = STRETCH_BYTES
        events = log.since(self.seen + 1)
        self.seen = max(self.seen, log.dropped)
        while left > 0 and (event := next(events, None)) is not None:
            self.seen += 1
            matches, size = self._match(event, self.seen)
            left -= max(size, MIN_EVENT_BYTES)
            if matches and not (self._fold and self._joins(event)):
                self.found.append(self.seen)

    def _joins(self, event: e.Event) -> bool:
        """Return True if the event is a delta that belongs to the row of one before it."""
        if not isinstance(event, DELTAS):
            self._folded.clear()
            return False
        key = (type(event), event.id)
        if key in self._folded:
            return True
        self._folded.add(key)
        return False

    def _match(self, event: e.Event, number: int) -> tuple[bool, int]:
        """Return True if the event matches, and the bytes that were searched."""
        tag = e.type_of(event)
        if self._type and not self._is_of_type(tag):
            return False, 0
        if self._block and not self._belongs(event, tag, number):
            return False, 0
        if not self._text:
            return True, 0
        text = _written(msgspec.structs.replace(event, seq=0, ts=0.0, run_id=""))
        return self._text in text.casefold(), len(text)

    def _is_of_type(self, tag: str) -> bool:
        if self._family:
            return tag.startswith(self._type)
        return tag == self._type

    def _belongs(self, event: Any, tag: str, number: int) -> bool:
        """Return True if the event is one of the block that is asked for, or inside of it."""
        whole = KIND_OF.get(type(event))
        if whole is None:
            kind = tag.partition(".")[0]
        elif whole.block_id(event, number) == self._block:
            return True
        else:
            kind = whole.name
        names = [(getattr(event, "id", None), kind), (getattr(event, "tool_id", None), "tool")]
        names += [(event.parent_id, "tool"), (event.parent_id, "agent")]
        ids = [id for id, kind in names if id is not None and kind == self._kind]
        return any(self._block_id(id, self._kind) == self._block for id in ids)


def joined(log: EventLog, number: int, max_chars: int) -> e.Event | None:
    """Return the event of that number; of folded deltas, one with their text, at least up to
    `max_chars` characters of it.
    """
    first = log.get(number)
    if not isinstance(first, DELTAS):
        return first
    text = ""
    for event in log.since(number):
        if len(text) > max_chars or not isinstance(event, DELTAS):
            break
        if type(event) is type(first) and event.id == first.id:
            text += event.delta
    return msgspec.structs.replace(first, delta=text)


def _written(event: e.Event) -> str:
    try:
        return e.to_json(event).decode()
    except Exception:
        # A lone surrogate, or an object that cannot be encoded: the slow way never fails.
        return json_text(event)


def json_text(event: e.Event) -> str:
    """Return the event as JSON that every browser reads alike."""
    return to_browser_json(event).decode()
