"""What every encoder is: events in, items out, and nothing left open however the events end."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text, settle
from nbagent.adapters.base.overlaps import Interruptions, Kind, Queue
from nbagent.adapters.base.wording import cut_of, reason_of, text_of, to_json
from nbagent.events.jsonable import json_safe
from nbagent.gate import secrets
from nbagent.wire.frames import sse

Item: TypeAlias = dict[str, Any] | str
"""One message of a system: a JSON object, or a word of its framing such as `[DONE]`."""

SSE_HEADERS = {"content-type": "text/event-stream", "cache-control": "no-cache"}


class Encoder(Protocol):
    """Turns the events of one run into one system's items. It owns no clock, socket or task.

    Attributes:
        system: its name, such as "openai.chat".
        headers: the HTTP headers that the system's server sends, lower case.
        loses: what the system cannot say.
    """

    system: ClassVar[str]
    headers: ClassVar[Mapping[str, str]]
    loses: ClassVar[frozenset[Loss]]

    def feed(self, event: ev.Event) -> Iterable[Item]:
        """The items that say one event; none, if the system has no word for it. After `run.end` there are no more."""
        ...

    def close(self, error: BaseException | None = None) -> Iterable[Item]:
        """The events are over, by themselves or by `error`: closes what is open, and ends the stream if no `run.end` did."""
        ...

    def frame(self, item: Item) -> bytes:
        """An item as it stands in the body of an HTTP response."""
        ...

    def message(self, item: Item) -> str:
        """An item as one message of a WebSocket."""
        ...


class BaseEncoder:
    """The book-keeping that encoders share. A subclass overrides what its system can say, and calls `put`.

    What is streamed and what an end says are brought together here: where the final text only adds to the deltas, the rest
    comes as one more delta.

    Attributes:
        run: how the run began.
        usage: tokens so far.
        waiting: requests for approval that nobody has answered.
        calls: every call so far, by its id in the events.
    """

    system: ClassVar[str] = ""
    headers: ClassVar[Mapping[str, str]] = SSE_HEADERS
    loses: ClassVar[frozenset[Loss]] = frozenset()
    ends: ClassVar[frozenset[str]] = frozenset()
    """The end states that the system can tell apart from `failed`; any other end is told as a failure that says why."""
    cuts: ClassVar[Mapping[str, str]] = {}
    """The system's words for an answer that is cut short: by "length", or by a "content_filter"."""

    interrupts: ClassVar[frozenset[Kind] | None] = None
    """For a system that says one thing at a time, the kinds that interrupt others (see `in_turn`); None, if all may overlap."""

    def __init__(self) -> None:
        self._queue = None if self.interrupts is None else Queue()
        self._interruptions = Interruptions(self.interrupts or frozenset())
        self.run = ev.RunStart()
        self.model: str | None = None
        self.usage: ev.Usage | None = None
        self.waiting: dict[str, ev.ApprovalRequest] = {}
        self.calls: dict[str, Call] = {}
        self._in_step = False
        self._items: list[Item] = []
        self._started = False
        self._ended = False
        self._failure: ev.Error | None = None
        self._texts: dict[str, Text] = {}
        self._thoughts: dict[str, Text] = {}
        self._unanswered: dict[str, Call] = {}
        self._call_ids: set[str] = set()
        self._minted = 0
        self._steps_usage: ev.Usage | None = None
        self._step_usage: ev.Usage | None = None
        self._run_usage: ev.Usage | None = None

    # --- what a subclass overrides --------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The run starts: `run` says how. Comes first, once."""

    def start_step(self, event: ev.StepStart) -> None:
        """A model response begins."""

    def end_step(self, event: ev.StepEnd) -> None:
        """A model response is over."""

    def start_text(self, text: Text) -> None:
        """A text begins."""

    def text(self, text: Text, delta: str) -> None:
        """More of a text."""

    def end_text(self, text: Text) -> None:
        """A text is whole: `final`."""

    def start_thought(self, thought: Text) -> None:
        """A thought begins."""

    def thought(self, thought: Text, delta: str) -> None:
        """More of a thought."""

    def end_thought(self, thought: Text, event: ev.ReasoningEnd) -> None:
        """A thought is whole: `final`."""

    def start_call(self, call: Call) -> None:
        """A tool call begins."""

    def call_delta(self, call: Call, delta: str) -> None:
        """More of the arguments' text."""

    def end_args(self, call: Call) -> None:
        """The arguments of a call are whole."""

    def result(self, call: Call, event: ev.ToolResult) -> None:
        """What a tool returned. Of preliminary results `answered` is false."""

    def other(self, event: ev.Event) -> None:
        """Anything that opens nothing, such as a source, an approval, or an error that does not end the run."""

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The run is over; everything else is closed by now. `error` is what it failed of."""

    # --- what a subclass calls ------------------------------------------------------------------------------------------

    def put(self, *items: Item) -> None:
        """Send items."""
        self._items += items

    def mint(self, family: str) -> str:
        """A new id, such as "msg_2"."""
        self._minted += 1
        return f"{family}_{self._minted}"

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.run_id or "run"

    @property
    def created(self) -> int:
        """When the run began, in seconds since the epoch."""
        return int(self.run.ts)

    def cut(self, end: ev.RunEnd) -> str | None:
        """The system's word for why an incomplete answer was cut short, if it has one."""
        return self.cuts.get(cut_of(end) or "")

    def unanswered(self) -> list[Call]:
        """The calls whose result is still to come."""
        return list(self._unanswered.values())

    # --- in and out -----------------------------------------------------------------------------------------------------

    def feed(self, event: ev.Event) -> list[Item]:
        """The items that say one event; none, if the system has no word for it. After `run.end` there are no more."""
        if self._ended:
            return []
        if not self._started:
            self._started = True
            if isinstance(event, ev.RunStart):
                self.run, self.model = event, event.model
            self.begin()
        if self._queue is None:
            self._read(event)
        else:
            for told in self._queue.feed(event):
                for piece in self._interruptions.feed(told):
                    self._read(piece)
        return self._take()

    def close(self, error: BaseException | None = None) -> list[Item]:
        """The events are over, by themselves or by `error`: closes what is open, and ends the stream if no `run.end` did."""
        if error is None:
            return self.feed(ev.RunEnd(status="incomplete", code=ev.STREAM_TRUNCATED))
        message = secrets.mask(str(error)) or type(error).__name__
        told = self.feed(ev.Error(message=message, error_type=type(error).__name__, fatal=True))
        return [*told, *self.feed(ev.RunEnd(status="failed"))]

    def frame(self, item: Item) -> bytes:
        """An item as it stands in the body of an HTTP response."""
        return sse(self.message(item))

    def message(self, item: Item) -> str:
        """An item as one message of a WebSocket."""
        return item if isinstance(item, str) else to_json(item)

    def _take(self) -> list[Item]:
        taken, self._items = self._items, []
        return [json_safe(item) for item in taken]

    # --- one event ------------------------------------------------------------------------------------------------------

    def _read(self, event: ev.Event) -> None:  # noqa: C901 - one flat match over the vocabulary
        match event:
            case ev.TextDelta():
                text = self._texts.get(event.id) or self._text(ev.TextStart(id=event.id, parent_id=event.parent_id))
                text.pieces.append(event.delta)
                self.text(text, event.delta)
            case ev.RunStart():
                pass
            case ev.RunEnd():
                self._end(event)
            case ev.StepStart():
                self._end_step(ev.StepEnd())
                self._in_step = True
                self.model = self.model or event.model
                self.start_step(event)
            case ev.StepEnd():
                self._end_step(event)
            case ev.TextStart():
                self._text(event)
            case ev.TextEnd():
                self._end_text(self._text(ev.TextStart(id=event.id, parent_id=event.parent_id)), event)
            case ev.ReasoningStart():
                self._thought(event)
            case ev.ReasoningDelta():
                thought = self._thought(ev.ReasoningStart(id=event.id, parent_id=event.parent_id))
                thought.pieces.append(event.delta)
                self.thought(thought, event.delta)
            case ev.ReasoningEnd():
                self._end_thought(self._thought(ev.ReasoningStart(id=event.id, parent_id=event.parent_id)), event)
            case ev.ToolStart() | ev.ToolArgsDelta() | ev.ToolArgs() | ev.ToolResult():
                self._tool(event)
            case ev.Error(fatal=True):
                self._failure = self._failure or event
            case ev.UsageUpdate():
                self._count(event)
            case ev.ApprovalRequest():
                self.waiting[event.approval_id] = event
                self.other(event)
            case ev.ApprovalResponse():
                self.other(event)
                self.waiting.pop(event.approval_id, None)
            case _:
                self.other(event)

    def _text(self, start: ev.TextStart) -> Text:
        text = self._texts.get(start.id)
        if text is None:
            text = self._texts[start.id] = Text(start)
            self.start_text(text)
        return text

    def _end_text(self, text: Text, event: ev.TextEnd) -> None:
        del self._texts[text.id]
        rest = settle(text, event.text)
        if rest:
            self.text(text, rest)
        self.end_text(text)

    def _thought(self, start: ev.ReasoningStart) -> Text:
        thought = self._thoughts.get(start.id)
        if thought is None:
            thought = self._thoughts[start.id] = Text(start)
            self.start_thought(thought)
        return thought

    def _end_thought(self, thought: Text, event: ev.ReasoningEnd) -> None:
        del self._thoughts[thought.id]
        rest = settle(thought, event.text)
        if rest:
            self.thought(thought, rest)
        self.end_thought(thought, event)

    def _tool(self, event: ev.ToolStart | ev.ToolArgsDelta | ev.ToolArgs | ev.ToolResult) -> None:
        call = self.calls.get(event.id)
        if call is None:
            start = event if isinstance(event, ev.ToolStart) else ev.ToolStart(id=event.id, name="tool")
            wanted = start.call_id or start.id
            call = self.calls[event.id] = Call(start, wanted if wanted not in self._call_ids else self.mint(f"{wanted}_"))
            self._call_ids.add(call.call_id)
            self._unanswered[event.id] = call
            self.start_call(call)
        if call.answered:
            return
        match event:
            case ev.ToolArgsDelta() if call.args is None:
                call.pieces.append(event.delta)
                self.call_delta(call, event.delta)
            case ev.ToolArgs() if call.args is None:
                written = "".join(call.pieces)
                call.pieces = []
                call.args, call.text = event, event.args_text or (text_of(event.args) if event.args else "")
                if call.text.startswith(written) and call.text != written:
                    self.call_delta(call, call.text[len(written) :])
                self.end_args(call)
            case ev.ToolResult():
                call.answered = not event.preliminary
                self.result(call, event)
                if call.answered:  # nobody asks again, and a run may make many calls
                    del self._unanswered[event.id]
                    call.args, call.text, call.pieces = None, "", []
            case _:
                pass

    # --- tokens and the end ---------------------------------------------------------------------------------------------

    def _count(self, event: ev.UsageUpdate) -> None:
        if event.scope == "run":
            replaces = event.mode == "replace" or self._run_usage is None
            self._run_usage = event.usage if replaces else self._run_usage + event.usage  # type: ignore[operator]
        else:
            replaces = event.mode == "replace" or self._step_usage is None
            self._step_usage = event.usage if replaces else self._step_usage + event.usage  # type: ignore[operator]
        self.usage = self._run_usage or _sum(self._steps_usage, self._step_usage)

    def _end_step(self, event: ev.StepEnd) -> None:
        if not self._in_step:
            return
        self._in_step = False
        self._steps_usage = _sum(self._steps_usage, event.usage or self._step_usage)
        self._step_usage = None
        self.usage = self._run_usage or self._steps_usage
        self.end_step(event)

    def _end(self, end: ev.RunEnd) -> None:
        for thought in list(self._thoughts.values()):
            self._end_thought(thought, ev.ReasoningEnd(id=thought.id, parent_id=thought.start.parent_id))
        for text in list(self._texts.values()):
            self._end_text(text, ev.TextEnd(id=text.id, parent_id=text.start.parent_id))
        self._end_step(ev.StepEnd())
        self.usage = end.usage or self.usage
        error = self._failure
        if error is None and end.status != "completed" and end.status not in self.ends and self.cut(end) is None:
            error = ev.Error(message=reason_of(end), fatal=True)
        if error is not None and error.code is None:
            error = replace(error, code=end.code)
        self.finish(end, error)
        self._ended = True


def _sum(left: ev.Usage | None, right: ev.Usage | None) -> ev.Usage | None:
    return right if left is None else left if right is None else left + right
