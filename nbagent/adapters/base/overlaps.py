"""Rewriting of overlapping texts and reasoning blocks, for systems that write one thing at a
time.
"""

from typing import Any, Literal, TypeAlias

from msgspec.structs import replace

from nbagent import events as ev

Span: TypeAlias = Literal["text", "reasoning"]
"""Kind of a block that is streamed in deltas and stays open between them."""

Trigger: TypeAlias = Literal["text", "reasoning", "call", "tool", "step"]
"""Kind of event that can end an open span of another kind: "call" is the start of a tool call,
"tool" any event of one.
"""

_TEXT = (ev.TextStart, ev.TextDelta, ev.TextEnd)
_REASONING = (ev.ReasoningStart, ev.ReasoningDelta, ev.ReasoningEnd)
_STARTS = (ev.TextStart, ev.ReasoningStart)
_DELTAS = (ev.TextDelta, ev.ReasoningDelta)
_ENDS = (ev.TextEnd, ev.ReasoningEnd)
_STEP = (ev.StepStart, ev.StepEnd)
_CALL = (ev.ToolStart, ev.ToolArgsDelta, ev.ToolArgs, ev.ToolResult)
_TOOL = (*_CALL, ev.ApprovalRequest, ev.ApprovalResponse, ev.AgentHandoff)


def _span_of(event: ev.Event) -> Span | None:
    if isinstance(event, _TEXT):
        return "text"
    if isinstance(event, _REASONING):
        return "reasoning"
    return None


class QueueOverlaps:
    """Reorders events so that texts do not overlap each other, and reasoning blocks do not either.

    Events of a span that begins while another of its kind is open are held back until that one
    ends, or the step or run does. Spans keep the order in which they began.
    """

    def __init__(self) -> None:
        self._open_id: dict[Span, str | None] = {"text": None, "reasoning": None}
        self._queued: dict[Span, dict[str, list[Any]]] = {"text": {}, "reasoning": {}}

    def feed(self, event: ev.Event) -> list[ev.Event]:
        """Return the events that are ready; none, if the event was held back."""
        kind = _span_of(event)
        if kind is not None:
            return self._feed_span(kind, event)
        if isinstance(event, (ev.RunEnd, ev.StepEnd)):
            return [*self._flush("reasoning"), *self._flush("text"), event]
        return [event]

    def _feed_span(self, kind: Span, event: Any) -> list[ev.Event]:
        if self._open_id[kind] not in (None, event.id):
            self._queued[kind].setdefault(event.id, []).append(event)
            return []
        self._open_id[kind] = event.id
        if isinstance(event, _ENDS):
            self._open_id[kind] = None
        ready = [event]
        while self._open_id[kind] is None and self._queued[kind]:
            next_id = next(iter(self._queued[kind]))
            for queued in self._queued[kind].pop(next_id):
                ready += self._feed_span(kind, queued)
        return ready

    def _flush(self, kind: Span) -> list[ev.Event]:
        """Return all events that are held back, with an end after every span but the last."""
        ready: list[ev.Event] = []
        while self._queued[kind]:
            id_ = self._open_id[kind] or ""
            if kind == "text":
                ready += self._feed_span(kind, ev.TextEnd(id=id_))
            else:
                ready += self._feed_span(kind, ev.ReasoningEnd(id=id_))
        return ready


class SplitOnInterleave:
    """Ends an open text or reasoning block at an event of another kind.

    Its continuation becomes a span of its own.

    Reads the output of `QueueOverlaps`. The continuation of span "a" has the id "a.2", the next one
    "a.3".

    Args:
        triggers: the kinds of events that end an open span of another kind.
    """

    def __init__(self, triggers: frozenset[Trigger]) -> None:
        self._triggers = triggers
        self._open: dict[Span, _OpenSpan] = {}

    def feed(self, event: ev.Event) -> list[ev.Event]:
        """Return the event, with the ends of the spans that it interrupts before it."""
        kind = _span_of(event)
        if kind is not None:
            return self._feed_span(kind, event)
        if isinstance(event, _STEP):
            return [*self._interrupt("step"), event]
        if isinstance(event, ev.ToolStart):
            return [*self._interrupt("call"), *self._interrupt("tool"), event]
        if isinstance(event, _TOOL):
            return [*self._interrupt("tool"), event]
        return [event]

    def _feed_span(self, kind: Span, event: Any) -> list[ev.Event]:
        if isinstance(event, _STARTS) or kind not in self._open:
            self._open[kind] = _OpenSpan(event)
        events = self._open[kind].feed(event)
        if isinstance(event, _ENDS):
            del self._open[kind]
        has_content = any(
            getattr(piece, "delta", None) or getattr(piece, "text", None) for piece in events
        )
        if has_content:
            return [*self._interrupt(kind), *events]
        return events

    def _interrupt(self, by: Trigger) -> list[ev.Event]:
        if by not in self._triggers:
            return []
        ends: list[ev.Event] = []
        for kind, span in self._open.items():
            if kind != by:
                ends += span.interrupt()
        return ends


class _OpenSpan:
    """A text or reasoning block that is written in one part, or in several if it is interrupted."""

    def __init__(self, first: Any) -> None:
        if isinstance(first, _TEXT):
            self._end: Any = ev.TextEnd(id=first.id, parent_id=first.parent_id)
            self._start: Any = ev.TextStart(id=first.id, parent_id=first.parent_id)
        else:
            self._end = ev.ReasoningEnd(id=first.id, parent_id=first.parent_id)
            self._start = ev.ReasoningStart(id=first.id, parent_id=first.parent_id)
        if isinstance(first, _STARTS):
            self._start = first
        self._part = 1
        self._part_open = False
        self._deltas: list[str] = []
        self._deltas_before = 0  # number of deltas in the parts before this one

    @property
    def _part_id(self) -> str:
        if self._part == 1:
            return str(self._end.id)
        return f"{self._end.id}.{self._part}"

    def feed(self, event: Any) -> list[Any]:
        """Return the events that write one event of the span; the first of a part starts it."""
        events: list[Any] = []
        if not self._part_open:
            events.append(replace(self._start, id=self._part_id))
        if isinstance(event, _DELTAS):
            self._deltas.append(event.delta)
            events.append(replace(event, id=self._part_id))
        elif isinstance(event, _ENDS):
            rest = self._final_of_part(event.text)
            if self._part > 1 and not self._part_open and not rest:
                return []  # the parts before the interruption were all of it
            events.append(replace(event, id=self._part_id, text=rest))
        elif self._part > 1:
            return []
        self._part_open = True
        return events

    def _final_of_part(self, text: str | None) -> str | None:
        """Return the final text of this part; None if the whole text replaces parts that are
        already written.
        """
        before = "".join(self._deltas[: self._deltas_before])
        if text is not None and text.startswith(before):
            return text[len(before) :]
        return None

    def interrupt(self) -> list[Any]:
        """Return the end of the open part; nothing, if none is open.

        What follows is the next part.
        """
        if not self._part_open:
            return []
        end = replace(self._end, id=self._part_id)
        self._part_open, self._deltas_before = False, len(self._deltas)
        self._part += 1
        return [end]
