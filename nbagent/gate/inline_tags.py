"""Splits one upstream text with thoughts and tool calls in it into texts, thoughts and calls."""

from collections import Counter, deque
from typing import Any, TypeVar

from msgspec.structs import replace

from nbagent import events as e
from nbagent.events.growing_text import GrowingText
from nbagent.gate.cursor import Segment
from nbagent.gate.form import Kind
from nbagent.gate.grammar import Grammar
from nbagent.gate.tags import Splitter, split
from nbagent.gate.written_calls import calls_in

_E = TypeVar("_E", bound=e.TextDelta | e.TextEnd)


def envelope(event: e.Event) -> dict[str, Any]:
    """Return the event's envelope: the fields that every event has."""
    return {name: getattr(event, name) for name in e.Envelope.__struct_fields__}


class TaggedText:
    """Events of the texts, thoughts and tool calls in one upstream text.

    Args:
        start: the event that began it.
        in_thought: whether it begins inside a thought.
        thoughts: whether thoughts may be seen. Otherwise they are counted, and not kept.
        grammar: what counts as a tag.

    Attributes:
        open_id: id of the open segment.
        hidden: number of thoughts that were left out.
    """

    def __init__(
        self, start: e.TextStart, *, in_thought: bool, thoughts: bool, grammar: Grammar
    ) -> None:
        self.open_id = ""
        self.hidden = 0
        self._start = start
        self._thoughts = thoughts
        self._in_thought = in_thought
        self._grammar = grammar
        self._splitter = Splitter(in_thought=in_thought, grammar=grammar)
        self._tagged = False  # a tag was met
        self._open: Kind | None = None
        self._made: Counter[str] = Counter()  # segments so far, by kind
        self._calls_open: deque[str] = deque()  # ids of calls without a result
        self._reclassified = 0
        self._space: list[str] = []  # at the beginning of a segment, until more than space follows
        # The first text, in case it turns out to have been a thought; not kept where thoughts are
        # hidden.
        self._first: GrowingText | None = None
        if thoughts:
            self._first = GrowingText()

    def with_parent(self, event: _E) -> _E:
        """Return the event with the `parent_id` of the text's start, which later events need not
        repeat.
        """
        inside = self._start.parent_id
        if inside is None or event.parent_id is not None:
            return event
        return replace(event, parent_id=inside)

    def passes(self, delta: str) -> bool:
        """Return True if a delta just continues the open segment, as nearly every delta does."""
        if self._open is None or not self._splitter.skip(delta):
            return False
        if self._first is not None:
            self._first.append(delta)
        return True

    def continue_segment(self, delta: str, event: e.Event) -> list[e.Event]:
        """Return the events for a delta of the open segment: none if it is hidden."""
        if self._open == "text":
            return [e.TextDelta(id=self.open_id, delta=delta, **envelope(event))]
        if self._thoughts:
            return [e.ReasoningDelta(id=self.open_id, delta=delta, **envelope(event))]
        return []

    def feed(self, event: e.TextDelta) -> list[e.Event]:
        """Return the events for one delta: more of the open segment, or ends and beginnings of
        others.
        """
        return self._stream(self._splitter.feed(event.delta), event)

    def finish(self, event: e.TextEnd) -> list[e.Event]:
        """Return the events at the end of the text.

        A snapshot of it replaces the streamed segments one by one.
        """
        if event.text is None:
            events = self._stream(self._splitter.feed("", last=True), event)
            if self._space and not self._tagged and not self._in_thought:
                events += self._begin("text", event)
                events += self.continue_segment("".join(self._space), event)
            return events + self._end_segment(event)
        events = []
        streamed = self._made - Counter({"text": self._reclassified})
        seen: Counter[str] = Counter()
        for segment in split(event.text, in_thought=self._in_thought, grammar=self._grammar):
            seen[segment.kind] += 1
            if seen[segment.kind] > streamed[segment.kind]:
                events += self._whole_segment(segment, event)
            elif segment.kind == self._open and seen[segment.kind] == streamed[segment.kind]:
                events += self._end_segment(event, segment.text)
        if seen["text"]:
            return events + self._end_segment(event)
        return events + self._end_segment(event, "")

    def _stream(self, segments: list[Segment], event: e.TextDelta | e.TextEnd) -> list[e.Event]:
        events: list[e.Event] = []
        for segment in segments:
            if segment.kind == "boundary":
                events += self._end_segment(event)
            elif segment.kind == "reclassify":
                events += self._reclassify(event)
            elif segment.kind in ("tool", "result"):
                events += self._whole_segment(segment, event)
            else:
                events += self._continue(segment.kind, segment.text, event)
                continue
            self._tagged, self._first = True, None
            self._space.clear()
        return events

    def _continue(self, kind: Kind, text: str, event: e.Event) -> list[e.Event]:
        events: list[e.Event] = []
        if self._open is None:
            if not text.strip():
                self._space.append(text)
                return []
            if self._tagged or kind == "thought":
                text = text.lstrip()
            else:
                text = "".join(self._space) + text
            self._space.clear()
            events = self._begin(kind, event)
        if self._first is not None:
            self._first.append(text)
        return events + self.continue_segment(text, event)

    def _reclassify(self, event: e.Event) -> list[e.Event]:
        """Empty the text that was shown so far, and show it again as a thought."""
        if self._open != "text":
            return []
        self._reclassified = 1
        thought = Segment("thought", str(self._first or "").lstrip())
        return self._end_segment(event, "") + self._whole_segment(thought, event)

    def _begin(self, kind: Kind, event: e.Event) -> list[e.Event]:
        self._open = kind
        self.open_id, events = self._start_segment(kind, event)
        return events

    def _start_segment(self, kind: str, event: e.Event) -> tuple[str, list[e.Event]]:
        """Return the id of a new text or thought, and its start event unless it is hidden."""
        first = not self._made
        self._made[kind] += 1
        count = self._made[kind]
        if kind == "thought":
            id_ = f"{self._start.id}.think-{count}"
            if self._thoughts:
                return id_, [e.ReasoningStart(id=id_, **envelope(event))]
            self.hidden += 1
            return id_, []
        if first:
            return self._start.id, [self._start]
        id_ = self._start.id
        if count > 1:
            id_ += f".{count}"
        return id_, [replace(self._start, id=id_, **envelope(event))]

    def _end_segment(self, event: e.Event, text: str | None = None) -> list[e.Event]:
        """End the open segment; `text` replaces its streamed text."""
        kind, self._open = self._open, None
        if kind == "text":
            return [e.TextEnd(id=self.open_id, text=text, **envelope(event))]
        if kind == "thought" and self._thoughts:
            return [e.ReasoningEnd(id=self.open_id, text=text, **envelope(event))]
        return []

    def _whole_segment(self, segment: Segment, event: e.Event) -> list[e.Event]:
        """Return the events of a segment that comes complete."""
        if segment.kind == "tool":
            return self._calls(segment, event)
        if segment.kind == "result":
            return self._result(segment, event)
        id_, events = self._start_segment(segment.kind, event)
        if segment.kind == "text":
            events.append(e.TextEnd(id=id_, text=segment.text, **envelope(event)))
        elif self._thoughts:
            events.append(e.ReasoningEnd(id=id_, text=segment.text, **envelope(event)))
        return events

    def _calls(self, segment: Segment, event: e.Event) -> list[e.Event]:
        self._made["tool"] += 1
        events: list[e.Event] = []
        for number, call in enumerate(calls_in(segment.text, segment.name), 1):
            id_ = f"{self._start.id}.tool-{self._made['tool']}"
            if number > 1:
                id_ += f".{number}"
            self._calls_open.append(id_)
            start = e.ToolStart(id=id_, name=call.name, call_id=call.call_id, **envelope(event))
            args = e.ToolArgs(
                id=id_,
                args=call.args,
                args_text=call.args_text,
                valid=call.valid,
                **envelope(event),
            )
            events += [start, args]
        return events

    def _result(self, segment: Segment, event: e.Event) -> list[e.Event]:
        """Return the events of a result: it belongs to the oldest call that has none.

        Without one it is shown as a thought.
        """
        self._made["result"] += 1
        content = segment.text.strip()
        if not content:
            return []
        if self._calls_open:
            return [e.ToolResult(id=self._calls_open.popleft(), content=content, **envelope(event))]
        if not self._thoughts:
            self.hidden += 1
            return []
        id_ = f"{self._start.id}.result-{self._made['result']}"
        start = e.ReasoningStart(id=id_, **envelope(event))
        return [start, e.ReasoningEnd(id=id_, text=content, **envelope(event))]
