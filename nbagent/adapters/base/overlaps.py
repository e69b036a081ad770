"""Events for systems that say one thing at a time."""

from typing import Any, Literal, TypeAlias

from msgspec.structs import replace

from nbagent import events as ev

Kind: TypeAlias = Literal["text", "thought", "call", "step"]
_TEXT = (ev.TextStart, ev.TextDelta, ev.TextEnd)
_THOUGHT = (ev.ReasoningStart, ev.ReasoningDelta, ev.ReasoningEnd)
_STARTS = (ev.TextStart, ev.ReasoningStart)
_DELTAS = (ev.TextDelta, ev.ReasoningDelta)
_ENDS = (ev.TextEnd, ev.ReasoningEnd)
_TOOL = (ev.ToolStart, ev.ToolArgsDelta, ev.ToolArgs, ev.ToolResult)
_CALL = (*_TOOL, ev.ApprovalRequest, ev.ApprovalResponse, ev.AgentHandoff)


class Queue:
    """Brings texts that overlap one after another, in the order in which they began, and thoughts likewise.

    What begins while another of its kind is open waits until that one ends, or the step does.
    """

    def __init__(self) -> None:
        self._speaking: dict[Kind, str | None] = {"text": None, "thought": None}
        self._waiting: dict[Kind, dict[str, list[Any]]] = {"text": {}, "thought": {}}

    def feed(self, event: ev.Event) -> list[ev.Event]:
        """The events whose turn it is."""
        if isinstance(event, _TEXT):
            return self._turn("text", event)
        if isinstance(event, _THOUGHT):
            return self._turn("thought", event)
        if isinstance(event, ev.RunEnd | ev.StepEnd):
            return [*self._release("thought"), *self._release("text"), event]
        return [event]

    def _turn(self, kind: Kind, event: Any) -> list[ev.Event]:
        speaking = self._speaking[kind]
        if speaking is not None and speaking != event.id:
            self._waiting[kind].setdefault(event.id, []).append(event)
            return []
        self._speaking[kind] = None if isinstance(event, _ENDS) else event.id
        told = [event]
        while self._speaking[kind] is None and self._waiting[kind]:
            next_id = next(iter(self._waiting[kind]))
            for waited in self._waiting[kind].pop(next_id):
                told += self._turn(kind, waited)
        return told

    def _release(self, kind: Kind) -> list[ev.Event]:
        told: list[ev.Event] = []
        while self._waiting[kind]:
            cls = ev.TextEnd if kind == "text" else ev.ReasoningEnd
            told += self._turn(kind, cls(id=self._speaking[kind] or ""))
        return told


class Interruptions:
    """Ends a text or a thought where something of another kind is said; what comes after is one of its own.

    Takes what `Queue` gives.

    Args:
        by: the kinds that interrupt others.
    """

    def __init__(self, by: frozenset[Kind]) -> None:
        self._by = by
        self._speakers: dict[Kind, _Speaker] = {}

    def feed(self, event: ev.Event) -> list[ev.Event]:
        """The event, and the ends of what it interrupts before it."""
        if isinstance(event, _TEXT):
            return self._speak("text", event)
        if isinstance(event, _THOUGHT):
            return self._speak("thought", event)
        if isinstance(event, ev.StepStart | ev.StepEnd):
            return [*self._interrupt("step"), event]
        return [*self._interrupt("call"), event] if isinstance(event, _CALL) else [event]

    def _speak(self, kind: Kind, event: Any) -> list[ev.Event]:
        if isinstance(event, _STARTS) or kind not in self._speakers:
            self._speakers[kind] = _Speaker(event)
        told = self._speakers[kind].say(event)
        if isinstance(event, _ENDS):
            del self._speakers[kind]
        says = any(getattr(piece, "delta", None) or getattr(piece, "text", None) for piece in told)
        return [*self._interrupt(kind), *told] if says else told

    def _interrupt(self, by: Kind) -> list[ev.Event]:
        if by not in self._by:
            return []
        return [told for kind, speaker in self._speakers.items() if kind != by for told in speaker.interrupt()]


class _Speaker:
    """One text (or thought) that is told, perhaps in several parts."""

    def __init__(self, first: Any) -> None:
        if isinstance(first, _TEXT):
            self._end: Any = ev.TextEnd(id=first.id, parent_id=first.parent_id)
            start: Any = ev.TextStart(id=first.id, parent_id=first.parent_id)
        else:
            self._end = ev.ReasoningEnd(id=first.id, parent_id=first.parent_id)
            start = ev.ReasoningStart(id=first.id, parent_id=first.parent_id)
        self._start = first if isinstance(first, _STARTS) else start
        self._parts = 1
        self._open = False
        self._told: list[str] = []
        self._before = 0  # how many of its pieces are in the parts before

    def say(self, event: Any) -> list[Any]:
        id_ = event.id if self._parts == 1 else f"{event.id}.{self._parts}"
        told = [] if self._open else [replace(self._start, id=id_)]
        if isinstance(event, _DELTAS):
            self._told.append(event.delta)
            told.append(replace(event, id=id_))
        elif isinstance(event, _ENDS):
            rest = self._rest(event.text)
            if self._parts > 1 and not self._open and not rest:
                return []  # all of it was told before it was interrupted
            told.append(replace(event, id=id_, text=rest))
        elif self._parts > 1:
            return []
        self._open = True
        return told

    def _rest(self, text: str | None) -> str | None:
        """What of the final text is this part's: all, of a first part; nothing, if it replaces what is told already."""
        before = "".join(self._told[: self._before])
        return text[len(before) :] if text is not None and text.startswith(before) else None

    def interrupt(self) -> list[Any]:
        if not self._open:
            return []
        id_ = self._end.id if self._parts == 1 else f"{self._end.id}.{self._parts}"
        self._open, self._before = False, len(self._told)
        self._parts += 1
        return [replace(self._end, id=id_)]
