"""What is lost of texts and thoughts."""

from typing import Any

from encoders.lost_events import BREAK, Events, at_end
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.overlaps import Interruptions, Queue


def streamed_stays(events: Events, cls: Any, *, only_empty: bool = False) -> Events:
    streamed: dict[str, str] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.TextDelta | ev.ReasoningDelta):
            streamed[event.id] = streamed.get(event.id, "") + event.delta
        elif isinstance(event, ev.TextEnd | ev.ReasoningEnd) and isinstance(event, cls) and event.text is not None:
            before = streamed.get(event.id, "")
            if (not event.text and before) or not (only_empty or event.text.startswith(before)):
                event = replace(event, text=None)
        kept.append(event)
    return kept


def one_after_another(events: Events) -> Events:
    queue = Queue()
    errors = [event for event in events if isinstance(event, ev.Error) and event.fatal]
    return at_end([told for event in events if event not in errors for told in queue.feed(event)], *errors)


def late_texts(events: Events) -> Events:
    """A text, or the model's own thought, begins with its first words."""
    silent: dict[str, ev.Event] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.TextStart) or (isinstance(event, ev.ReasoningStart) and event.kind == "raw"):
            silent[event.id] = event
            continue
        if isinstance(event, ev.TextDelta | ev.ReasoningDelta | ev.TextEnd | ev.ReasoningEnd) and event.id in silent:
            kept.append(silent.pop(event.id))
        kept.append(event)
    return kept


def interrupted(events: Events, encoder: BaseEncoder) -> Events:
    interruptions = Interruptions(encoder.interrupts or frozenset())
    return [told for event in events for told in interruptions.feed(event)]


class Joined:
    """Texts put together as a client that knows no borders does: fields that grow, until something ends them.

    Args:
        ends: which fields end when another field grows, or at a "call" or a "step".
        forgets: whether a thought after a text is not set apart from the one before.
    """

    def __init__(self, ends: dict[str, set[str]], *, forgets: bool = False) -> None:
        self.ends = ends
        self.forgets = forgets
        self.told: Events = []
        self.open: dict[str, str] = {}
        self.last: dict[str, str] = {}
        self.starts: dict[str, Any] = {}
        self.streamed: dict[str, str] = {}
        self.finals: dict[str, list[str]] = {}
        self.replaced: set[str] = set()
        self.seals: dict[str, Any] = {}
        self.written: dict[str, str] = {}

    def field(self, source: str) -> str:
        start = self.starts[source]
        return "thought" if isinstance(start, ev.ReasoningStart) else start.kind

    def grow(self, source: str, delta: str) -> None:
        field = self.field(source)
        if not delta:
            return
        if self.last.get(field, source) != source:
            delta = BREAK + delta
        self.last[field] = source
        self.end_by(field)
        if field == "text" and self.forgets:
            self.last.pop("thought", None)
        self.begin(source)
        cls: Any = ev.ReasoningDelta if field == "thought" else ev.TextDelta
        self.told.append(cls(id=self.open[field], delta=delta))

    def begin(self, source: str) -> None:
        field = self.field(source)
        if field not in self.open:
            self.open[field] = f"{source} {len(self.told)}"
            self.told.append(replace(self.starts[source], id=self.open[field]))

    def end_by(self, what: str) -> None:
        for field in sorted(self.ends.get(what, ())):
            self.end(field)

    def end(self, field: str) -> None:
        id_ = self.open.pop(field, None)
        whole = BREAK.join(filter(None, self.finals.pop(field, [])))
        text = whole if field in self.replaced else None
        self.replaced.discard(field)
        seals = self.seals.pop(field, None)
        if id_ is not None and seals is not None:
            self.told.append(replace(seals, id=id_, text=text))
        elif id_ is not None:
            self.told.append(ev.ReasoningEnd(id=id_) if field == "thought" else ev.TextEnd(id=id_, text=text))

    def final(self, event: Any) -> None:
        field, before = self.field(event.id), self.streamed[event.id]
        final = before if event.text is None else event.text
        if final.startswith(before):
            self.grow(event.id, final[len(before) :])
        else:
            self.begin(event.id)
            self.replaced.add(field)
        self.finals.setdefault(field, []).append(final)
        if isinstance(event, ev.ReasoningEnd):
            self.seals[field] = event

    def of(self, events: Events) -> Events:
        written = self.written
        for event in events:
            match event:
                case ev.TextStart() | ev.ReasoningStart():
                    self.starts[event.id] = event
                    self.streamed[event.id] = ""
                    continue
                case ev.TextDelta() | ev.ReasoningDelta():
                    self.streamed[event.id] += event.delta
                    self.grow(event.id, event.delta)
                    continue
                case ev.TextEnd() | ev.ReasoningEnd():
                    self.final(event)
                    continue
                case ev.ToolStart() | ev.ToolArgsDelta():
                    self.end_by("call")
                    written[event.id] = written.get(event.id, "") + getattr(event, "delta", "")
                case ev.ToolArgs():
                    if event.args_text.startswith(written[event.id]) and event.args_text != written[event.id]:
                        self.end_by("call")
                case ev.StepStart() | ev.StepEnd():
                    self.end_by("step")
                    if "step" in self.ends:
                        self.last.clear()
                case ev.RunEnd():
                    for field in ("thought", "text", "refusal"):
                        self.end(field)
            self.told.append(event)
        return self.told


def lines(events: Events) -> Events:
    """Texts of a run as one, with a line for each call."""
    joined = Joined({"call": {"text", "refusal"}})
    told: Events = []
    at_line_start = True
    for event in events:
        if isinstance(event, ev.ToolStart):
            if not at_line_start:
                joined.told.append(ev.TextDelta(id=joined.open["text"], delta="\n"))
            joined.last.clear()
            at_line_start = True
        told = joined.of([event])
        if told and isinstance(told[-1], ev.TextDelta):
            at_line_start = told[-1].delta.endswith("\n")
    return told
