"""Encoders for OpenAI Assistants, events of a run in a thread, and for NEAR AI's variant of them.

Sources: https://platform.openai.com/docs/api-reference/assistants-streaming/events (openai 3.52,
deprecated there) and https://github.com/nearai/nearai/blob/main/hub/api/v1/thread_routes.py
(98e5f2c). An item is `{"event": name, "data": object}`. OpenAI puts the name into the SSE frame;
NEAR AI sends the whole item as data.
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.closed_codes import SERVER_ERROR, code_in_metadata
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import OPENAI_RUN, TEXT_ONLY, Loss
from nbagent.adapters.base.overlaps import Trigger
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import named_fields, result_text
from nbagent.adapters.openai_chat.encoder import DONE, chat_usage

_Json = dict[str, Any]


class ThreadRunEncoder(BaseEncoder):
    """Shared part of both systems: the events of a run, and messages whose text is sent in
    deltas.
    """

    def __init__(self) -> None:
        super().__init__()
        self._created = False

    def ensure_created(self) -> None:
        """Emit the start of the run, once, with the first content: the model is known by then."""
        if not self._created:
            self._created = True
            for state in ("created", "queued", "in_progress"):
                self.emit_event(
                    "thread.run",
                    state,
                    self.run_object("in_progress" if state == "in_progress" else "queued"),
                )

    def emit_event(self, scope: str, state: str, data: _Json) -> None:
        """Emit the event `scope.state`."""
        self.emit({"event": f"{scope}.{state}", "data": data})

    def run_object(self, status: str, **more: Any) -> _Json:
        """Return the run in its current state."""
        return {
            "id": self.run_id,
            "object": "thread.run",
            "created_at": self.created,
            "assistant_id": self.assistant_id,
            "thread_id": self.thread_id,
            "status": status,
            "required_action": None,
            "last_error": None,
            "incomplete_details": None,
            "model": self.model or "",
            "instructions": "",
            "tools": [],
            "parallel_tool_calls": True,
            "metadata": {},
            "usage": None,
            **more,
        }

    @property
    def assistant_id(self) -> str:
        """Id of the assistant."""
        return f"asst_{self.run_start.name or 'nbagent'}"

    @property
    def thread_id(self) -> str:
        """Id of the conversation."""
        return self.run_start.thread_id or f"thread_{self.run_id}"

    def emit_run(self, status: str, **more: Any) -> None:
        """Emit the run in a state at which its stream ends."""
        raise NotImplementedError

    def emit_message_delta(self, text: StreamedText, kind: str, value: Any) -> None:
        """Emit a delta of a message's only content part."""
        part = {"index": 0, "type": kind, kind: value}
        data = {
            "id": f"msg_{text.id}",
            "object": "thread.message.delta",
            "delta": {"content": [part]},
        }
        self.emit_event("thread.message", "delta", data)


class AssistantsEncoder(ThreadRunEncoder):
    """Encodes events as Assistants stream events."""

    system: ClassVar[str] = "openai.assistants"
    loses: ClassVar[frozenset[Loss]] = (
        OPENAI_RUN
        | {
            Loss.MISSING_TOTALS,
            Loss.TOKEN_DETAILS,
            Loss.CACHE_WRITES,
            Loss.UNANSWERED,
            Loss.SOURCES,
        }
        | {Loss.REASONING, Loss.OVERLAPS, Loss.SPLITS}
        | {Loss.MISSING_ARGS, Loss.ARGS_COMPLETION, Loss.TOOL_ERRORS}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset(
        {"paused", "cancelled", "incomplete", "max_steps"}
    )
    limit_names: ClassVar[dict[str, str]] = {
        "length": "max_completion_tokens",
        "content_filter": "content_filter",
    }
    split_on: ClassVar[frozenset[Trigger] | None] = frozenset({"tool"})

    def __init__(self) -> None:
        super().__init__()
        self._step_id = ""
        self._calls_of_step: list[StreamedCall] = []  # empty between steps
        self._answered: list[_Json] = []
        self._call_index: dict[str, int] = {}

    def sse_fields(self, item: Item) -> tuple[str | None, str]:
        """Return the event's name, and its object as the data."""
        return named_fields(item)

    # --- run ---

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the run's end. A run with unanswered calls waits for their results."""
        self.ensure_created()
        if self._answered:
            self._end_calls()
        counts = {} if self.usage is None else chat_usage(self.usage)
        usage = {name: count for name, count in counts.items() if isinstance(count, int)} or None
        status, more = self._status_of(end, error)
        self.emit_run(status, usage=usage, **more)

    def _status_of(self, end: ev.RunEnd, error: ev.Error | None) -> tuple[str, _Json]:
        """Return the last status of the run, and the fields that only this status has."""
        if error is not None:
            return "failed", _failure(error)
        if end.status == "cancelled":
            return "cancelled", {}
        if end.status in ("incomplete", "max_steps"):
            return "incomplete", _cut(self.incomplete_reason(end))
        waiting = [call for call in self.open_calls() if call.final_args is not None]
        if not waiting and end.status != "paused":
            return "completed", {}
        calls = [_requested_call(call) for call in waiting]
        action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
        return "requires_action", {"required_action": action}

    def emit_run(self, status: str, **more: Any) -> None:
        """Emit the run in a state at which its stream ends."""
        self.emit_event("thread.run", status, self.run_object(status, **more))
        self.emit({"event": "done", "data": DONE})

    # --- messages ---

    def start_text(self, text: StreamedText) -> None:
        """Emit a new message, in a step of its own unless calls are running."""
        self.ensure_created()
        if not self._calls_of_step:
            self._start_step(_message_creation(text))
        self.emit_event("thread.message", "created", self._message(text, "in_progress", []))

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a delta of the message."""
        if delta:
            self.emit_message_delta(text, *_content_part(text, delta))

    def end_text(self, text: StreamedText) -> None:
        """Emit the complete message."""
        kind, value = _content_part(text, text.final)
        content = [{"type": kind, kind: value}] if text.final else []
        self.emit_event("thread.message", "completed", self._message(text, "completed", content))
        if not self._calls_of_step:
            self._emit_step("completed", _message_creation(text))

    def _message(self, text: StreamedText, status: str, content: list[_Json]) -> _Json:
        return {
            "id": f"msg_{text.id}",
            "object": "thread.message",
            "created_at": self.created,
            "thread_id": self.thread_id,
            "run_id": self.run_id,
            "assistant_id": self.assistant_id,
            "role": "assistant",
            "status": status,
            "content": content,
            "attachments": [],
            "metadata": {},
        }

    # --- tool calls ---

    def start_call(self, call: StreamedCall) -> None:
        """Emit a new call.

        Calls that run at the same time share a step, which ends when all of them have results.
        """
        self.ensure_created()
        if not self._calls_of_step:
            self._start_step({"type": "tool_calls", "tool_calls": []})
        self._call_index[call.start.id] = len(self._calls_of_step)
        self._calls_of_step.append(call)
        self._emit_call_delta({"index": self._call_index[call.start.id], **_call_object(call, "")})

    def args_delta(self, call: StreamedCall, delta: str) -> None:
        """Emit a delta of the arguments."""
        index = self._call_index[call.start.id]
        self._emit_call_delta(
            {"index": index, "type": "function", "function": {"arguments": delta}}
        )

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Keep a final result; it is sent at the end of its step."""
        if not call.answered:
            return
        self._answered.append(_call_object(call, call.args_so_far, result_text(event)))
        if len(self._answered) == len(self._calls_of_step):
            self._end_calls()

    def _end_calls(self) -> None:
        self._emit_step("completed", {"type": "tool_calls", "tool_calls": self._answered})
        self._calls_of_step, self._answered = [], []

    def _emit_call_delta(self, call: _Json) -> None:
        details = {"type": "tool_calls", "tool_calls": [call]}
        data = {
            "id": self._step_id,
            "object": "thread.run.step.delta",
            "delta": {"step_details": details},
        }
        self.emit_event("thread.run.step", "delta", data)

    def _start_step(self, details: _Json) -> None:
        self._step_id = self.new_id("step")
        self._emit_step("created", details)
        self._emit_step("in_progress", details)

    def _emit_step(self, state: str, details: _Json) -> None:
        data = {
            "id": self._step_id,
            "object": "thread.run.step",
            "created_at": self.created,
            "run_id": self.run_id,
            "assistant_id": self.assistant_id,
            "thread_id": self.thread_id,
            "type": details["type"],
            "status": "completed" if state == "completed" else "in_progress",
            "step_details": details,
            "last_error": None,
            "usage": None,
        }
        self.emit_event("thread.run.step", state, data)


_NEAR_STATES = {"completed": "completed", "paused": "requires_action", "cancelled": "canceled"}
"""Last part of the name of a run's last event on NEAR AI's hub, by the run's status."""


class NearEncoder(ThreadRunEncoder):
    """Encodes events as the stream of a run on NEAR AI's hub, which has only texts."""

    system: ClassVar[str] = "nearai"
    loses: ClassVar[frozenset[Loss]] = (
        TEXT_ONLY
        - {Loss.TOOL_KINDS, Loss.PROGRESS, Loss.OUTPUT, Loss.NESTING}  # `TOOLS` includes them
        | {Loss.MISSING_ERROR_CODES, Loss.PAUSE_REASON, Loss.TOOLS}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset({"paused", "cancelled"})
    split_on: ClassVar[frozenset[Trigger] | None] = frozenset()

    @property
    def assistant_id(self) -> str:
        """Id of the agent: a path."""
        return f"nbagent/{self.run_start.name or 'agent'}/latest"

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a delta of a completion."""
        self.ensure_created()
        if delta:
            self.emit_message_delta(text, "text", {"value": delta})

    def end_text(self, text: StreamedText) -> None:
        """Emit the end of a completion, which does not repeat its text."""
        self.ensure_created()
        data = {"id": f"msg_{text.id}", "object": "thread.message.completed", "delta": ""}
        self.emit_event("thread.message", "completed", data)

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the run's last event, with the run in `delta`.

        The hub leaves the stream open after it.

        The hub's clients close the stream at the names of the documentation (`thread.run.error`,
        `canceled`), and wait for ever at those of OpenAI (`failed`, `cancelled`).
        """
        self.ensure_created()
        state = "error" if error is not None else _NEAR_STATES[end.status]
        more: _Json = {}
        if error is not None:  # the hub's own run has any code
            more["last_error"] = {"code": error.code or SERVER_ERROR, "message": error.message}
        self.emit_run(state, **more)

    def emit_run(self, status: str, **more: Any) -> None:
        """Emit the run in a state at which its stream ends."""
        run = self.run_object(status, **more)
        data = {"id": None, "object": f"thread.run.{status}", "delta": run}
        self.emit_event("thread.run", status, data)


CUT_REASONS = frozenset({"max_completion_tokens", "max_prompt_tokens"})
"""All reasons that an incomplete run can have: `IncompleteDetails.reason` of openai 3.57."""

ERROR_CODES = frozenset({SERVER_ERROR, "rate_limit_exceeded", "invalid_prompt"})
"""All codes that a run's error can have: `LastError.code` of openai 3.57."""


def _failure(error: ev.Error) -> _Json:
    """Return the fields of a run that failed."""
    code = error.code or SERVER_ERROR
    listed = code if code in ERROR_CODES else SERVER_ERROR
    return {
        "last_error": {"code": listed, "message": error.message},
        "metadata": code_in_metadata(code, ERROR_CODES),
    }


def _cut(reason: str) -> _Json:
    """Return the fields of an incomplete run."""
    return {
        "incomplete_details": {"reason": reason} if reason in CUT_REASONS else {},
        "metadata": code_in_metadata(reason, CUT_REASONS),
    }


def _message_creation(text: StreamedText) -> _Json:
    return {"type": "message_creation", "message_creation": {"message_id": f"msg_{text.id}"}}


def _content_part(text: StreamedText, value: str) -> tuple[str, Any]:
    """Return the kind and the value of a message's content part."""
    if text.is_refusal:
        return ("refusal", value)
    return ("text", {"value": value, "annotations": []})


def _requested_call(call: StreamedCall) -> _Json:
    """Return a call that the client is to make."""
    function = {"name": call.name, "arguments": call.args_text}
    return {"id": call.call_id, "type": "function", "function": function}


def _call_object(call: StreamedCall, arguments: str, output: str | None = None) -> _Json:
    function = {"name": call.name, "arguments": arguments, "output": output}
    return {"id": call.call_id, "type": "function", "function": function}
