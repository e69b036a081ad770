"""Base of all encoders: events in, items of another system out, with everything closed however the
events end.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from msgspec.structs import replace

from nbagent import events as ev
from nbagent.adapters.base.encoder_hooks import EncoderHooks
from nbagent.adapters.base.frames import sse
from nbagent.adapters.base.losses import Loss, documented
from nbagent.adapters.base.overlaps import QueueOverlaps, SplitOnInterleave, Trigger
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.streamed_calls import StreamedCalls
from nbagent.adapters.base.text_forms import compact_json, failure_message, limit_of
from nbagent.adapters.base.usage_total import UsageTotal
from nbagent.events.attempts import AttemptFilter
from nbagent.events.jsonable import json_safe
from nbagent.gate import secrets

Item: TypeAlias = dict[str, Any] | str
"""One message of a system: a JSON object, or a token of its framing such as `[DONE]`."""

UNBUFFERED = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""Headers by which caches and proxies (nginx) pass a body on as it comes."""

SSE_HEADERS = {"content-type": "text/event-stream", **UNBUFFERED}


class BaseEncoder(EncoderHooks):
    """Tracks what is open in a run.

    A subclass overrides the hooks of what its system can represent, and calls `emit` in them.

    Deltas and final texts are reconciled here: if the final text continues the deltas, the rest is
    one more delta. The docstring of a subclass gets the list of its losses appended.

    Attributes:
        run_start: the first event.
        model: the model's name, by the start of the run or of its first step that has one.
        pending_approvals: approval requests without an answer, by their id.
        names_calls: whether the id of a call that the client has to make begins with the run's, so
            that its result finds back.
    """

    system: ClassVar[str] = ""
    headers: ClassVar[Mapping[str, str]] = SSE_HEADERS
    loses: ClassVar[frozenset[Loss]] = frozenset()

    end_statuses: ClassVar[frozenset[str]] = frozenset()
    """Statuses of a run's end, beside "completed" and "failed", that the system has.

    Other ends become failures with a message.
    """

    limit_names: ClassVar[Mapping[str, str]] = {}
    """The system's names for the limits that cut an answer short: "length" and "content_filter"."""

    split_on: ClassVar[frozenset[Trigger] | None] = None
    """Kinds of events that end an open text or reasoning block of another kind, for a system that
    writes one thing at a time (see `SplitOnInterleave`). None if blocks may overlap.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.loses:
            cls.__doc__ = documented(cls.__doc__, cls.loses)

    def __init__(self) -> None:
        self._queue = None if self.split_on is None else QueueOverlaps()
        self._splitter = SplitOnInterleave(self.split_on or frozenset())
        self.run_start = ev.RunStart()
        self.model: str | None = None
        self._streamed_calls = StreamedCalls()
        self.pending_approvals: dict[str, ev.ApprovalRequest] = {}
        self.names_calls = False
        self._items: list[Item] = []
        self._started = False
        self._in_step = False
        self._ended = False
        self._failure: ev.Error | None = None
        self._texts: dict[str, StreamedText] = {}
        self._reasoning: dict[str, StreamedText] = {}
        self._attempts = AttemptFilter()
        self._last_id = 0
        self._usage = UsageTotal()
        self._final_usage: ev.Usage | None = None

    # --- helpers for subclasses ---

    def emit(self, *items: Item) -> None:
        """Add items to the output."""
        self._items += items

    def new_id(self, prefix: str) -> str:
        """Return an id that is unique in the run, such as "msg_2"."""
        self._last_id += 1
        return f"{prefix}_{self._last_id}"

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return self.run_start.run_id or "run"

    @property
    def created(self) -> int:
        """Time at which the run began, in seconds since the epoch."""
        return int(self.run_start.ts)

    @property
    def usage(self) -> ev.Usage | None:
        """Token counts so far; None if there were none."""
        return self._final_usage or self._usage.value

    def limit_name(self, end: ev.RunEnd) -> str | None:
        """Return the system's name for the limit that cut an answer short; None if it has none for
        it.
        """
        return self.limit_names.get(limit_of(end) or "")

    def incomplete_reason(self, end: ev.RunEnd) -> str:
        """Return the reason of an incomplete run: the limit, "max_steps", the provider's code or
        reason, or "incomplete".
        """
        if end.status == "max_steps":
            fallback = "max_steps"
        else:
            fallback = end.code or end.finish_reason or "incomplete"
        return self.limit_name(end) or fallback

    @property
    def calls(self) -> Mapping[str, StreamedCall]:
        """All tool calls so far, by their id in the events."""
        return self._streamed_calls.by_id

    def call_of(self, request: ev.ApprovalRequest | None) -> StreamedCall | None:
        """Return the call that an approval request is for; None if it is for none, or there is no
        request.
        """
        if request is None:
            return None
        return self.calls.get(request.tool_id or "")

    def tool_of(self, request: ev.ApprovalRequest | None) -> str | None:
        """Return the name of the tool that an approval request is about; None like `call_of`."""
        call = self.call_of(request)
        if call is None:
            return None
        return call.name

    def open_calls(self) -> list[StreamedCall]:
        """Return the calls without a final result."""
        return self._streamed_calls.unanswered()

    # --- the encoder protocol ---

    def feed(self, event: ev.Event) -> list[Item]:
        """Return the items of one event: none if the system cannot represent it, or after
        `run.end`.
        """
        if self._ended or self._attempts.is_of_attempt(event):
            return []
        if not self._started:
            self._started = True
            if isinstance(event, ev.RunStart):
                self.run_start, self.model = event, event.model
            self.start_run()
        if self._queue is None:
            self._read(event)
        else:
            for queued in self._queue.feed(event):
                for split in self._splitter.feed(queued):
                    self._read(split)
        return self._take()

    def close(self, error: BaseException | None = None) -> list[Item]:
        """Return the items that close what is open and end the stream: none after `run.end`.

        Args:
            error: the exception that ended the events; None if they just ended. Secrets in its
                message are masked.
        """
        if error is None:
            return self.feed(ev.RunEnd(status="incomplete", code=ev.STREAM_TRUNCATED))
        message = secrets.mask(str(error)) or type(error).__name__
        items = self.feed(ev.Error(message=message, error_type=type(error).__name__, fatal=True))
        return [*items, *self.feed(ev.RunEnd(status="failed"))]

    def frame(self, item: Item, number: int | str | None = None) -> bytes:
        """Return an item as a server-sent event; see `Encoder.frame`."""
        name, data = self.sse_fields(item)
        return sse(data, name, number)

    def sse_fields(self, item: Item) -> tuple[str | None, str]:
        """Return the name, or None, and the data of an item's server-sent event."""
        return None, self.message(item)

    def message(self, item: Item) -> str:
        """Return an item as one message of a WebSocket."""
        if isinstance(item, str):
            return item
        return compact_json(item)

    def _take(self) -> list[Item]:
        items, self._items = self._items, []
        return [json_safe(item) for item in items]

    # --- one event ---

    def _read(self, event: ev.Event) -> None:
        read = self._READERS.get(type(event))
        if read is None:
            self.other_event(event)
        else:
            read(self, event)

    def _run_start(self, event: ev.RunStart) -> None:
        pass  # `feed` has read it

    def _step_start(self, event: ev.StepStart) -> None:
        self._end_step(ev.StepEnd())
        self._in_step = True
        self.model = self.model or event.model
        self.start_step(event)

    def _text_delta(self, event: ev.TextDelta) -> None:
        text = self._texts.get(event.id)
        if text is None:
            text = self._text(ev.TextStart(id=event.id, parent_id=event.parent_id))
        text.deltas.append(event.delta)
        self.text_delta(text, event.delta)

    def _text_end(self, event: ev.TextEnd) -> None:
        text = self._text(ev.TextStart(id=event.id, parent_id=event.parent_id))
        self._end_text(text, event)

    def _reasoning_delta(self, event: ev.ReasoningDelta) -> None:
        reasoning = self._reasoning_block_of(event)
        reasoning.deltas.append(event.delta)
        self.reasoning_delta(reasoning, event.delta)

    def _reasoning_end(self, event: ev.ReasoningEnd) -> None:
        self._end_reasoning(self._reasoning_block_of(event), event)

    def _reasoning_block_of(self, event: ev.ReasoningDelta | ev.ReasoningEnd) -> StreamedText:
        return self._reasoning_block(ev.ReasoningStart(id=event.id, parent_id=event.parent_id))

    def _error(self, event: ev.Error) -> None:
        if event.fatal:
            self._failure = self._failure or event
        else:
            self.other_event(event)

    def _usage_update(self, event: ev.UsageUpdate) -> None:
        self._usage.update(event)

    def _approval_request(self, event: ev.ApprovalRequest) -> None:
        self.pending_approvals[event.approval_id] = event
        self.other_event(event)

    def _approval_response(self, event: ev.ApprovalResponse) -> None:
        self.other_event(event)
        self.pending_approvals.pop(event.approval_id, None)

    def _text(self, start: ev.TextStart) -> StreamedText:
        text = self._texts.get(start.id)
        if text is None:
            text = self._texts[start.id] = StreamedText(start)
            self.start_text(text)
        return text

    def _end_text(self, text: StreamedText, event: ev.TextEnd) -> None:
        del self._texts[text.id]
        rest = text.complete(event.text)
        if rest:
            self.text_delta(text, rest)
        self.end_text(text)

    def _reasoning_block(self, start: ev.ReasoningStart) -> StreamedText:
        reasoning = self._reasoning.get(start.id)
        if reasoning is None:
            reasoning = self._reasoning[start.id] = StreamedText(start)
            self.start_reasoning(reasoning)
        return reasoning

    def _end_reasoning(self, reasoning: StreamedText, event: ev.ReasoningEnd) -> None:
        del self._reasoning[reasoning.id]
        rest = reasoning.complete(event.text)
        if rest:
            self.reasoning_delta(reasoning, rest)
        self.end_reasoning(reasoning, event)

    def _tool_start(self, event: ev.ToolStart) -> StreamedCall:
        call = self.calls.get(event.id)
        if call is None:
            call_id = event.call_id or event.id
            if self.names_calls and event.kind == "client":
                call_id = f"{self.run_id}_{call_id}"
            if call_id in self._streamed_calls.ids:
                # Providers repeat ids, and clients take those for one call.
                call_id = self.new_id(f"{call_id}_")
            call = self._streamed_calls.begin(event, call_id)
            self.start_call(call)
        return call

    def _call_of(self, event: ev.ToolArgsDelta | ev.ToolArgs | ev.ToolResult) -> StreamedCall:
        return self._tool_start(ev.ToolStart(id=event.id, name="tool"))

    def _tool_args_delta(self, event: ev.ToolArgsDelta) -> None:
        call = self._call_of(event)
        if call.takes_args:
            call.deltas.append(event.delta)
            self.args_delta(call, event.delta)

    def _tool_args(self, event: ev.ToolArgs) -> None:
        call = self._call_of(event)
        if call.takes_args:
            rest = call.complete(event)
            if rest:
                self.args_delta(call, rest)
            self.end_args(call)

    def _tool_result(self, event: ev.ToolResult) -> None:
        call = self._call_of(event)
        if call.answered:
            return
        call.answered = not event.preliminary
        self.tool_result(call, event)
        if call.answered:
            self._streamed_calls.end(call)

    def _end_step(self, event: ev.StepEnd) -> None:
        if self._in_step:
            self._in_step = False
            self._usage.end_step(event.usage)
            self.end_step(event)

    def _end(self, end: ev.RunEnd) -> None:
        for reasoning in list(self._reasoning.values()):
            self._end_reasoning(
                reasoning, ev.ReasoningEnd(id=reasoning.id, parent_id=reasoning.start.parent_id)
            )
        for text in list(self._texts.values()):
            self._end_text(text, ev.TextEnd(id=text.id, parent_id=text.start.parent_id))
        self._end_step(ev.StepEnd())
        self._final_usage = end.usage
        error = self._failure
        is_known = end.status == "completed" or end.status in self.end_statuses
        if error is None and not is_known and self.limit_name(end) is None:
            error = ev.Error(message=failure_message(end), fatal=True)
        if error is not None and error.code is None:
            error = replace(error, code=end.code)
        self.end_run(end, error)
        self._ended = True

    _READERS: ClassVar[Mapping[type[ev.Event], Callable[[Any, Any], object]]] = {
        ev.RunStart: _run_start,
        ev.RunEnd: _end,
        ev.StepStart: _step_start,
        ev.StepEnd: _end_step,
        ev.TextStart: _text,
        ev.TextDelta: _text_delta,
        ev.TextEnd: _text_end,
        ev.ReasoningStart: _reasoning_block,
        ev.ReasoningDelta: _reasoning_delta,
        ev.ReasoningEnd: _reasoning_end,
        ev.ToolStart: _tool_start,
        ev.ToolArgsDelta: _tool_args_delta,
        ev.ToolArgs: _tool_args,
        ev.ToolResult: _tool_result,
        ev.Error: _error,
        ev.UsageUpdate: _usage_update,
        ev.ApprovalRequest: _approval_request,
        ev.ApprovalResponse: _approval_response,
    }
    """Functions that read the events by their classes; all others go to `other_event`."""
