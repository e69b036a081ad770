"""One upstream text that holds thoughts and tool calls, taken apart into texts, thoughts and calls."""

from collections import Counter
from typing import Any, TypeVar

from msgspec.structs import replace

from nbagent.events import (
    Envelope,
    Event,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolArgs,
    ToolStart,
)
from nbagent.events.growing_text import GrowingText
from nbagent.gate.tags import Kind, Part, Splitter, calls_of, split

_E = TypeVar("_E", bound=TextDelta | TextEnd)


def envelope(event: Event) -> dict[str, Any]:
    """The fields that every event has."""
    return {name: getattr(event, name) for name in Envelope.__struct_fields__}


class MixedText:
    """One upstream text on its way to becoming several texts, thoughts and tool calls.

    Args:
        start: the event that began it.
        in_thought: it begins inside a thought.
        thoughts: whether thoughts may be seen. Those that may not are counted, and not kept.

    Attributes:
        open_id: the id of the part that is open.
        hidden: how many thoughts were left out.
    """

    def __init__(self, start: TextStart, *, in_thought: bool, thoughts: bool) -> None:
        self.open_id = ""
        self.hidden = 0
        self._start = start
        self._thoughts = thoughts
        self._in_thought = in_thought
        self._splitter = Splitter(in_thought=in_thought)
        self._tagged = False  # a tag was met
        self._open: Kind | None = None
        self._made: Counter[str] = Counter()
        self._taken_back = 0
        self._space: list[str] = []  # at the beginning of a part, until it is known that more than space follows
        # The first text, should it turn out to have been a thought; not kept for readers who may not see thoughts.
        self._first = GrowingText() if thoughts else None

    def placed(self, event: _E) -> _E:
        """The event where its text began: what is made of it belongs there, and it need not say so again."""
        inside = self._start.parent_id
        return event if inside is None or event.parent_id is not None else replace(event, parent_id=inside)

    def passes(self, delta: str) -> bool:
        """Whether a delta just continues what is open; the way nearly every delta goes."""
        if self._open is None or not self._splitter.plain or "<" in delta or "`" in delta:
            return False
        self._splitter.skip(delta)
        if self._first is not None:
            self._first.append(delta)
        return True

    def more(self, delta: str, event: Event) -> list[Event]:
        """A delta of the open part, if it may be seen."""
        if self._open == "text":
            return [TextDelta(id=self.open_id, delta=delta, **envelope(event))]
        if self._thoughts:
            return [ReasoningDelta(id=self.open_id, delta=delta, **envelope(event))]
        return []

    def feed(self, event: TextDelta) -> list[Event]:
        """What one delta shows: more of the open part, or the beginnings and ends of others."""
        return self._stream(self._splitter.feed(event.delta), event)

    def finish(self, event: TextEnd) -> list[Event]:
        """The block is over. Its snapshot, if it has one, stands above what was streamed, part by part."""
        if event.text is None:
            events = self._stream(self._splitter.feed("", last=True), event)
            if self._space and not self._tagged and not self._in_thought:
                events += self._begin("text", event) + self.more("".join(self._space), event)
            return events + self._end(event)
        if self._open == "text" and not self._tagged and "<" not in event.text:
            return self._end(event, event.text)
        events = []
        streamed = self._made - Counter({"text": self._taken_back})
        seen: Counter[str] = Counter()
        for part in split(event.text, in_thought=self._in_thought):
            seen[part.kind] += 1
            if seen[part.kind] > streamed[part.kind]:
                events += self._whole(part, event)
            elif part.kind == self._open and seen[part.kind] == streamed[part.kind]:
                events += self._end(event, part.text)
        return events + self._end(event, None if seen["text"] else "")

    def _stream(self, parts: list[Part], event: TextDelta | TextEnd) -> list[Event]:
        events: list[Event] = []
        for part in parts:
            if part.kind == "cut":
                events += self._end(event)
            elif part.kind == "was thought":
                events += self._take_back(event)
            elif part.kind == "tool":
                events += self._whole(part, event)
            else:
                events += self._continue(part.kind, part.text, event)
                continue
            self._tagged, self._first = True, None
            self._space.clear()
        return events

    def _continue(self, kind: Kind, text: str, event: Event) -> list[Event]:
        events: list[Event] = []
        if self._open is None:
            if not text.strip():
                self._space.append(text)
                return []
            text = text.lstrip() if self._tagged or kind == "thought" else "".join(self._space) + text
            self._space.clear()
            events = self._begin(kind, event)
        if self._first is not None:
            self._first.append(text)
        return events + self.more(text, event)

    def _take_back(self, event: Event) -> list[Event]:
        """What was shown as text was a thought: it is emptied, and told again as what it is."""
        if self._open != "text":
            return []
        self._taken_back = 1
        thought = Part("thought", str(self._first or "").lstrip())
        return self._end(event, "") + self._whole(thought, event)

    def _begin(self, kind: Kind, event: Event) -> list[Event]:
        self._open = kind
        self.open_id, events = self._new(kind, event)
        return events

    def _new(self, kind: str, event: Event) -> tuple[str, list[Event]]:
        """The id of a new text or thought, and its start, if it may be seen."""
        first = not self._made
        self._made[kind] += 1
        count = self._made[kind]
        if kind == "thought":
            id_ = f"{self._start.id}.think-{count}"
            self.hidden += not self._thoughts
            return id_, [ReasoningStart(id=id_, **envelope(event))] if self._thoughts else []
        if first:
            return self._start.id, [self._start]
        id_ = self._start.id if count == 1 else f"{self._start.id}.{count}"
        return id_, [TextStart(id=id_, kind=self._start.kind, phase=self._start.phase, **envelope(event))]

    def _end(self, event: Event, text: str | None = None) -> list[Event]:
        """Ends what is open; `text` replaces what was streamed of it."""
        kind, self._open = self._open, None
        if kind == "text":
            return [TextEnd(id=self.open_id, text=text, **envelope(event))]
        if kind == "thought" and self._thoughts:
            return [ReasoningEnd(id=self.open_id, text=text, **envelope(event))]
        return []

    def _whole(self, part: Part, event: Event) -> list[Event]:
        """A part that comes at once."""
        if part.kind == "tool":
            return self._calls(part, event)
        id_, events = self._new(part.kind, event)
        if part.kind == "text":
            events.append(TextEnd(id=id_, text=part.text, **envelope(event)))
        elif self._thoughts:
            events.append(ReasoningEnd(id=id_, text=part.text, **envelope(event)))
        return events

    def _calls(self, part: Part, event: Event) -> list[Event]:
        self._made["tool"] += 1
        events: list[Event] = []
        for number, call in enumerate(calls_of(part), 1):
            id_ = f"{self._start.id}.tool-{self._made['tool']}" + (f".{number}" if number > 1 else "")
            events.append(ToolStart(id=id_, name=call.name, call_id=call.call_id, **envelope(event)))
            events.append(ToolArgs(id=id_, args=call.args, args_text=call.args_text, valid=call.valid, **envelope(event)))
        return events
