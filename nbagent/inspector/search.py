"""The events of a run that a reader asks for."""

from array import array
from collections.abc import Callable
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.events.codec import to_browser_json
from nbagent.events.jsonable import text_safe
from nbagent.events.log import EventLog

STRETCH = 512 * 1024
"""Bytes of JSON that one question looks through."""
LEAST = 64
"""Bytes that an event counts for at least."""
TEXT = 200
"""Characters that can be searched for."""

_KINDS = {"state": "custom", "raw": "custom", "agent.handoff": "handoff"}
_NUMBERED = frozenset({"status", "error", "handoff", "custom"})
"""Kinds of blocks that are called after the number of their event."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which events, and which of them.

    Attributes:
        at: the first row, from 0.
        type: an event's tag, or the family of several: `tool.*`; empty for any.
        text: what the event's JSON must hold, in upper or lower case.
        block: the id of the block that it must belong to.
        kind: that block's kind.
    """

    at: int = 0
    type: str = ""
    text: str = ""
    block: str = ""
    kind: str = ""


class Search:
    """The numbers of the events that a question is about, found stretch by stretch.

    Args:
        question: what is asked.
        place: the id of the block of an event's id and a kind; see `Transcript.place`.

    Attributes:
        found: the numbers, ascending.
        seen: the number of the last event that was looked at.
    """

    def __init__(self, question: Question, place: Callable[[str, str], str]) -> None:
        self.found = array("Q")
        self.seen = 0
        self._type = question.type.removesuffix("*")
        self._family = question.type.endswith(".*")
        # As it stands in JSON, where a quotation mark is two characters.
        self._text = msgspec.json.encode(text_safe(question.text[:TEXT])).decode()[1:-1].casefold()
        self._block = question.block
        self._kind = question.kind
        self._place = place

    def go_on(self, log: EventLog) -> None:
        """Look through the next stretch."""
        room = STRETCH
        events = log.since(self.seen + 1)
        self.seen = max(self.seen, log.gone)
        while room > 0 and (event := next(events, None)) is not None:
            self.seen += 1
            keeps, size = self._look(event, self.seen)
            room -= max(size, LEAST)
            if keeps:
                self.found.append(self.seen)

    def _look(self, event: e.Event, number: int) -> tuple[bool, int]:
        """Whether the event is wanted, and how many bytes were looked at."""
        tag = e.type_of(event)
        if self._type and not (tag.startswith(self._type) if self._family else tag == self._type):
            return False, 0
        if self._block and not self._belongs(event, tag, number):
            return False, 0
        if not self._text:
            return True, 0
        said = _written(msgspec.structs.replace(event, seq=0, ts=0.0, run_id=""))
        return self._text in said.casefold(), len(said)

    def _belongs(self, event: Any, tag: str, number: int) -> bool:
        kind = _KINDS.get(tag) or tag.partition(".")[0]
        if kind in _NUMBERED and self._block == f"{kind}:{number}":
            return True
        names = [(getattr(event, "id", None), kind), (getattr(event, "tool_id", None), "tool")]
        names += [(event.parent_id, "tool"), (event.parent_id, "agent")]
        return any(id is not None and kind == self._kind and self._place(id, kind) == self._block for id, kind in names)


def _written(event: e.Event) -> str:
    try:
        return e.to_json(event).decode()
    except Exception:  # half a surrogate pair, or an object that cannot be written: slower, and without fail
        return json_text(event)


def json_text(event: e.Event) -> str:
    """The event as JSON that every browser reads alike."""
    return to_browser_json(event).decode()
