"""Rewrites for losses of texts and reasoning."""

from typing import Any

from adapters.encoders.rewrites import PARAGRAPH_BREAK, Events, change_end
from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.overlaps import QueueOverlaps, SplitOnInterleave


def streamed_stays(events: Events, cls: Any, *, only_empty: bool = False) -> Events:
    streamed: dict[str, str] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.TextDelta | ev.ReasoningDelta):
            streamed[event.id] = streamed.get(event.id, "") + event.delta
        elif (
            isinstance(event, ev.TextEnd | ev.ReasoningEnd)
            and isinstance(event, cls)
            and event.text is not None
        ):
            before = streamed.get(event.id, "")
            if (not event.text and before) or not (only_empty or event.text.startswith(before)):
                event = replace(event, text=None)
        kept.append(event)
    return kept


def earlier_stays(events: Events) -> Events:
    """Keep the streamed text where its end replaces it, if a tool call follows."""
    last_call = max(
        (at for at, event in enumerate(events) if isinstance(event, ev.ToolStart)), default=0
    )
    return [*streamed_stays(events[:last_call], ev.TextEnd), *events[last_call:]]


def reasoning_at_end(events: Events) -> Events:
    """Join all reasoning to one block at the end, before the error of a failed run."""
    streamed: dict[str, str] = {}
    starts: dict[str, Any] = {}
    ends: dict[str, Any] = {}
    kept: Events = []
    for event in events:
        match event:
            case ev.ReasoningStart():
                starts[event.id] = event
                streamed[event.id] = ""
            case ev.ReasoningDelta():
                streamed[event.id] += event.delta
            case ev.ReasoningEnd() if event.text or streamed[event.id]:
                ends[event.id] = replace(event, text=event.text or streamed[event.id])
            case ev.ReasoningEnd():
                pass
            case _:
                kept.append(event)
    last = [
        event
        for event in kept
        if isinstance(event, ev.RunEnd) or (isinstance(event, ev.Error) and event.fatal)
    ]
    thoughts: Events = []
    if ends:
        id_, end = next(iter(ends.items()))
        thoughts = [
            starts[id_],
            replace(end, text=PARAGRAPH_BREAK.join(each.text for each in ends.values())),
        ]
    return [*kept[: len(kept) - len(last)], *thoughts, *last]


def one_after_another(events: Events) -> Events:
    queue = QueueOverlaps()
    errors = [event for event in events if isinstance(event, ev.Error) and event.fatal]
    return change_end(
        [ready for event in events if event not in errors for ready in queue.feed(event)], *errors
    )


def late_texts(events: Events) -> Events:
    """Move the start of a text or of raw reasoning to its first delta or its end."""
    pending: dict[str, ev.Event] = {}
    kept: Events = []
    for event in events:
        if isinstance(event, ev.TextStart) or (
            isinstance(event, ev.ReasoningStart) and event.kind == "raw"
        ):
            pending[event.id] = event
            continue
        if (
            isinstance(event, ev.TextDelta | ev.ReasoningDelta | ev.TextEnd | ev.ReasoningEnd)
            and event.id in pending
        ):
            kept.append(pending.pop(event.id))
        kept.append(event)
    return kept


def interrupted(events: Events, encoder: BaseEncoder) -> Events:
    splitter = SplitOnInterleave(encoder.split_on or frozenset())
    return [split for event in events for split in splitter.feed(event)]


class JoinedTexts:
    """Texts as a client without text boundaries joins them: one text per field, until another event
    ends the field.

    Args:
        ends: the fields that end when another field grows, at the "start" of a call, at a "call" or
            at a "step".
        final_answer: whether the end of the run has the text that is open, in which the empty lines
            are between texts only.
    """

    def __init__(self, ends: dict[str, set[str]], *, final_answer: bool = False) -> None:
        self.ends = ends
        self.final_answer = final_answer
        self.output: Events = []
        self.open: dict[str, str] = {}
        self.last: dict[str, str] = {}
        self.starts: dict[str, Any] = {}
        self.streamed: dict[str, str] = {}
        self.finals: dict[str, list[str]] = {}
        self.replaced: set[str] = set()
        self.opaque: dict[str, Any] = {}
        self.args_so_far: dict[str, str] = {}

    def field(self, source: str) -> str:
        start = self.starts[source]
        return "reasoning" if isinstance(start, ev.ReasoningStart) else start.kind

    def grow(self, source: str, delta: str) -> None:
        field = self.field(source)
        if not delta:
            return
        if self.last.get(field, source) != source:
            delta = PARAGRAPH_BREAK + delta
        self.last[field] = source
        self.end_by(field)
        self.begin(source)
        cls: Any = ev.ReasoningDelta if field == "reasoning" else ev.TextDelta
        self.output.append(cls(id=self.open[field], delta=delta))

    def begin(self, source: str) -> None:
        field = self.field(source)
        if field not in self.open:
            self.open[field] = f"{source} {len(self.output)}"
            self.output.append(replace(self.starts[source], id=self.open[field]))

    def end_by(self, what: str) -> None:
        for field in sorted(self.ends.get(what, ())):
            self.end(field)

    def end(self, field: str, *, at_end: bool = False) -> None:
        id_ = self.open.pop(field, None)
        whole = PARAGRAPH_BREAK.join(filter(None, self.finals.pop(field, [])))
        text = whole if field in self.replaced or (at_end and self.final_answer) else None
        self.replaced.discard(field)
        opaque = self.opaque.pop(field, None)
        if id_ is not None and opaque is not None:
            self.output.append(replace(opaque, id=id_, text=text))
        elif id_ is not None:
            self.output.append(
                ev.ReasoningEnd(id=id_) if field == "reasoning" else ev.TextEnd(id=id_, text=text)
            )

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
            self.opaque[field] = event

    def feed(self, events: Events) -> Events:
        args_so_far = self.args_so_far
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
                    if isinstance(event, ev.ToolStart):
                        self.end_by("start")
                    args_so_far[event.id] = args_so_far.get(event.id, "") + getattr(
                        event, "delta", ""
                    )
                case ev.ToolArgs():
                    if (
                        event.args_text.startswith(args_so_far[event.id])
                        and event.args_text != args_so_far[event.id]
                    ):
                        self.end_by("call")
                case ev.StepStart() | ev.StepEnd():
                    self.end_by("step")
                    if "step" in self.ends:
                        self.last.clear()
                case ev.RunEnd():
                    for field in ("reasoning", "text", "refusal"):
                        self.end(field, at_end=True)
            self.output.append(event)
        return self.output


def call_lines(events: Events) -> Events:
    """Join the texts of a run, with a line for each call."""
    joined = JoinedTexts({"call": {"text", "refusal"}})
    output: Events = []
    at_line_start = True
    for event in events:
        if isinstance(event, ev.ToolStart):
            if not at_line_start:
                joined.output.append(ev.TextDelta(id=joined.open["text"], delta="\n"))
            joined.last.clear()
            at_line_start = True
        output = joined.feed([event])
        if output and isinstance(output[-1], ev.TextDelta):
            at_line_start = output[-1].delta.endswith("\n")
    return output
