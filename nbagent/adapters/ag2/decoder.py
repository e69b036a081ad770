"""Decoder of AG2: the events of the stream of `agent.run(…)`, as objects or as the dicts of its
Redis stream, `{"__event__": class, …}`, and of its log, `{"type": class, "data": …}`.

Format: https://docs.ag2.ai (ag2 1.2). The class of an event is its tag; a subclass, such as a
provider's, is read like its base. A response follows its pieces, and has its calls whole. A
subscriber of a stream may get a response before the request, and the results of calls before the
calls.

The format has no argument deltas. A question to a human is answered by the agent's own hook, not
from the view. The events of a sub-agent are on a stream of its own: here are its start, progress
and end.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    base64_text,
    class_name,
    entries_in,
    error_text,
    get_field,
    get_str,
    mapping_or_empty,
    str_field,
)
from nbagent.adapters.base.subagents import Subagents

_PACKAGE = "ag2."
_CUT_SHORT = {"length", "content_filter", "max_tokens", "MAX_TOKENS", "incomplete"}
_TEXT = "text"
_REASONING = "reasoning"
_COUNTS = {
    "input": "prompt_tokens",
    "output": "completion_tokens",
    "total": "total_tokens",
    "reasoning": "thinking_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation_input_tokens",
}


class Ag2Decoder(BaseDecoder):
    """Decoder of events of turns."""

    system: ClassVar[str] = "ag2"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._agents = Subagents(self.builder)
        self._calls: dict[str | None, Block] = {}  # of the run, by their id
        self._has_text = self._has_chunks = False  # of the current step

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event."""
        if isinstance(item, Mapping):
            return str(_unlogged(item).get("__event__")).startswith(_PACKAGE)
        return any(
            kind.__module__ == "ag2.events.base" and kind.__name__ == "BaseEvent"
            for kind in type(item).__mro__
        )

    def read(self, item: Any) -> None:
        """Read one event."""
        if not self.recognises(item):
            self.unread(item, class_name(item))
            return
        self.builder.begin()
        item = _unlogged(item)
        names = _names_of(item)
        reader = next((_READERS[name] for name in names if name in _READERS), None)
        if reader is not None:
            reader(self, item)
        else:
            self.builder.custom(names[0], item)

    # --- the model ---

    def _begin(self) -> None:
        if not self.builder.in_step:
            self.new_step()
            self._has_text = self._has_chunks = False

    def _reasoning(self, item: Any) -> None:
        """Read a piece of a thought; an event of a provider's own has a whole one."""
        self._begin()
        self.builder.reasoning(_REASONING, get_str(item, "content", default=""))
        if _names_of(item)[0] != "ModelReasoning":
            self.builder.end_reasoning(_REASONING)

    def _chunk(self, item: Any) -> None:
        self._begin()
        self._has_text = self._has_chunks = True
        self.builder.end_reasoning(_REASONING)
        self.builder.text(_TEXT, get_str(item, "content", default=""))

    def _message(self, item: Any) -> None:
        """Read a whole message, whose pieces may have come before."""
        self._begin()
        self.builder.end_reasoning(_REASONING)
        if not self._has_chunks:
            self._has_text = True
            self.builder.text(_TEXT, get_str(item, "content", default=""))
        self.builder.end_text(_TEXT)

    def _response(self, item: Any) -> None:
        """Read a whole response, which ends the turn unless it has calls."""
        self._begin()
        message = get_field(item, "message")
        if not self._has_text and message is not None:
            self._message(message)
        for file in entries_in(item, "files"):
            self._file(_plain(file))
        calls = entries_in(get_field(item, "tool_calls"), "calls")
        is_forced = get_field(item, "response_force") is True
        for call in calls:
            if is_forced:  # calls for the agent's client: they were made before
                self._call(call)
            else:
                self._new_call(call)
        reason = get_str(item, "finish_reason")
        self.builder.end_step(reason, _usage(get_field(item, "usage")))
        if is_forced or not calls:
            self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)

    def _file(self, file: Any) -> None:
        meta = mapping_or_empty(get_field(file, "metadata"))
        data = get_field(file, "data")
        if isinstance(data, Mapping):
            data = data.get("__bytes__")
        media_type = str_field(meta, "media_type", "mime_type", default="application/octet-stream")
        self.builder.file(media_type, data=base64_text(data), name=str_field(meta, "filename"))

    def _used(self, item: Any) -> None:
        """Read the tokens of other work than the agent's own responses, which tell theirs."""
        usage = _usage(get_field(item, "usage"))
        if usage is not None and get_field(item, "kind") != "model_call":
            total = self.builder.add_usage(usage)
            self.builder.write(ev.UsageUpdate(usage=total, **self.builder.envelope))

    # --- tools ---

    def _call(self, item: Any) -> Block:
        """Return a call, started if it is new."""
        return self._calls.get(get_str(item, "id")) or self._new_call(item)

    def _new_call(self, item: Any) -> Block:
        call_id, is_builtin = get_str(item, "id"), "BuiltinToolCallEvent" in _names_of(item)
        block = self.builder.start_tool(
            ("call", call_id),
            get_str(item, "name"),
            call_id=call_id,
            kind="hosted" if is_builtin else "function",
        )
        self._calls[call_id] = block
        self.builder.complete_args(block, get_field(item, "arguments"))
        return block

    def _made_calls(self, item: Any) -> None:
        for call in entries_in(item, "calls"):
            self._call(call)

    def _result(self, item: Any) -> None:
        call_id, error = get_str(item, "parent_id"), get_field(item, "error")
        block = self._calls.get(call_id)
        if block is None:
            name = get_str(item, "name")
            block = self.builder.start_tool(("call", call_id), name, call_id=call_id)
            self._calls[call_id] = block
            self.builder.complete_args(block, None)
        parts = entries_in(_plain(get_field(item, "result")), "parts")
        contents = [_content_of(part) for part in parts]
        content = contents[0] if len(contents) == 1 else contents
        if error is None:
            self.builder.tool_result(block, content, value=content)
        else:
            self.builder.tool_error(block, error_text(error) or str(error), content)

    # --- sub-agents ---

    def _start_task(self, item: Any) -> None:
        name = get_str(item, "agent_name", default="agent")
        call = self._calls.get(get_str(item, "parent_tool_call_id"))
        tool_id = call.id if call else None
        self._agents.start(get_str(item, "task_id"), name, tool_id=tool_id)

    def _progress(self, item: Any) -> None:
        content = get_str(item, "content")
        if content is not None:
            agent = self._agents.id_of(get_str(item, "task_id"))
            envelope = {**self.builder.envelope, "parent_id": agent}
            self.builder.write(ev.Status(message=content, **envelope))

    def _end_task(self, item: Any) -> None:
        self._agents.end(get_str(item, "task_id"))

    def _fail_task(self, item: Any) -> None:
        self._agents.end(get_str(item, "task_id"), "failed")

    def _cancel_task(self, item: Any) -> None:
        self._agents.end(get_str(item, "task_id"), "cancelled")

    # --- humans, and what is around a turn ---

    def _ask(self, item: Any) -> None:
        call_id = get_str(item, "tool_call_id")
        call = self._calls.get(call_id) if call_id else None
        request = ev.ApprovalRequest(
            approval_id=get_str(item, "id") or self.builder.mint("input"),
            tool_id=call.id if call else None,
            kind="input",
            prompt=get_str(item, "content"),
            **self.builder.envelope,
        )
        self.builder.write(request)

    def _answer(self, item: Any) -> None:
        response = ev.ApprovalResponse(
            approval_id=get_str(item, "parent_id", default=""),
            decision="approve",
            value=get_str(item, "content"),
            **self.builder.envelope,
        )
        self.builder.write(response)

    def _alert(self, item: Any) -> None:
        message = get_str(item, "message", "reason", "error", default=class_name(item))
        is_info = get_field(item, "severity") == "info"
        self.builder.status(message, level="info" if is_info else "warning")

    def _ignore(self, item: Any) -> None:
        """Ignore what is told otherwise."""

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the turn, and the sub-agents that are at work."""
        if not self.builder.ended:
            self.builder.end_step()
            self._agents.end_all("failed" if error else self.stop_info.status)
        return super().close(error)


def _unlogged(item: Any) -> Any:
    """Return a line of a log in the form of a nested event; any other item as it is."""
    if isinstance(item, Mapping) and set(item) == {"type", "data"}:
        return {"__event__": item["type"], **mapping_or_empty(item["data"])}
    return item


def _names_of(item: Any) -> list[str]:
    """Return the names of an event's class and its bases. A dict has that of its class only, where
    a provider's own has its name before.
    """
    if not isinstance(item, Mapping):
        return [kind.__name__ for kind in type(item).__mro__]
    name = str(item.get("__event__", "")).rpartition(".")[2]
    bases = (base for end, base in _PROVIDERS_OWN.items() if name.endswith(end))
    return [name, *bases]


def _plain(value: Any) -> Any:
    """Return the fields of a dataclass in a dumped event; any other value as it is."""
    if isinstance(value, Mapping) and "__dataclass__" in value:
        return value.get("data")
    return value


def _usage(usage: Any) -> ev.Usage | None:
    counts = {
        name: int(value)
        for name, key in _COUNTS.items()
        if isinstance(value := get_field(_plain(usage), key), (int, float))
    }
    return ev.Usage(**counts) if any(counts.values()) else None


def _content_of(part: Any) -> Any:
    """Return what a part of a result holds: a text, data, or a file as it is."""
    if "TextInput" in _names_of(part):
        return get_str(part, "content", default="")
    if "DataInput" in _names_of(part):
        return get_field(part, "data")
    return part


_PROVIDERS_OWN = {
    "ReasoningEvent": "ModelReasoning",
    "ServerToolCallEvent": "BuiltinToolCallEvent",
    "ServerToolResultEvent": "BuiltinToolResultEvent",
    "ToolCallEvent": "ToolCallEvent",
}
"""The base of a provider's class, by how its name ends."""

_READERS: dict[str, Callable[[Ag2Decoder, Any], object]] = {
    "ModelRequest": Ag2Decoder._ignore,
    "DrainedModelRequest": Ag2Decoder._ignore,
    "MessageEnqueued": Ag2Decoder._ignore,
    "ModelReasoning": Ag2Decoder._reasoning,
    "ModelMessageChunk": Ag2Decoder._chunk,
    "ModelMessage": Ag2Decoder._message,
    "ModelResponse": Ag2Decoder._response,
    "UsageEvent": Ag2Decoder._used,
    "ToolCallsEvent": Ag2Decoder._made_calls,
    "ToolCallEvent": Ag2Decoder._call,
    "BuiltinToolCallEvent": Ag2Decoder._call,
    "ClientToolCallEvent": Ag2Decoder._call,
    "ToolResultEvent": Ag2Decoder._result,
    "BuiltinToolResultEvent": Ag2Decoder._result,
    "ToolErrorEvent": Ag2Decoder._result,
    "ToolNotFoundEvent": Ag2Decoder._result,
    "ToolResultsEvent": Ag2Decoder._ignore,
    "TaskStarted": Ag2Decoder._start_task,
    "TaskProgress": Ag2Decoder._progress,
    "TaskCompleted": Ag2Decoder._end_task,
    "TaskFailed": Ag2Decoder._fail_task,
    "TaskExpired": Ag2Decoder._cancel_task,
    "TaskCancelled": Ag2Decoder._cancel_task,
    "HumanInputRequest": Ag2Decoder._ask,
    "ToolApprovalRequest": Ag2Decoder._ask,
    "HumanMessage": Ag2Decoder._answer,
    "ObserverAlert": Ag2Decoder._alert,
    "HaltEvent": Ag2Decoder._alert,
    "CompactionFailed": Ag2Decoder._alert,
    "AggregationFailed": Ag2Decoder._alert,
    "EventLogFailed": Ag2Decoder._alert,
    "ObserverStarted": Ag2Decoder._ignore,
    "ObserverCompleted": Ag2Decoder._ignore,
    "CompactionStarted": Ag2Decoder._ignore,
    "CompactionCompleted": Ag2Decoder._ignore,
    "AggregationStarted": Ag2Decoder._ignore,
    "AggregationCompleted": Ag2Decoder._ignore,
}
