"""Decoder of LlamaIndex's agent workflows: the events of `handler.stream_events()`.

Format: https://developers.llamaindex.ai/python/framework/understanding/agent/streaming/
(llama-index-core 0.14). The class name is the only tag. Items are the event objects, dicts with
`__class__`, or `{"value", "qualified_name"}` as the workflow server writes them. `tool_calls` and
`response` of a stream event are snapshots.

The format has no argument deltas (the snapshots have the part that could be parsed), and no outcome
of a hand-off.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    mapping_or_empty,
    nonempty_str,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.openai_fields import openai_usage

_CLASSES = {
    "AgentInput": "current_agent_name",
    "AgentSetup": "current_agent_name",
    "AgentStream": "delta",
    "AgentStreamStructuredOutput": "output",
    "AgentOutput": "current_agent_name",
    "ToolCall": "tool_kwargs",
    "ToolCallResult": "tool_output",
}
"""The classes, each with a field that a class of that name in another framework does not have."""
_IGNORED = {
    "StepStateChanged",
    "EventsQueueChanged",
    "UnhandledEvent",
    "StartEvent",
    "AgentWorkflowStartEvent",
    "InternalDispatchEvent",
}


def _unwrap(item: Any) -> tuple[str, Any]:
    """Return the name of an event's class, and the event without the server's envelope."""
    name = None
    if isinstance(item, Mapping):
        name = get_field(item, "qualified_name")
    if isinstance(name, str) and isinstance(item.get("value"), Mapping):
        return name.rsplit(".", 1)[-1], item["value"]
    return class_name(item), item


_ENDS = {
    "WorkflowFailedEvent": "The workflow failed",
    "WorkflowTimedOutEvent": "The workflow took too long",
    "WorkflowCancelledEvent": "The workflow was cancelled",
}
"""The events of workflows that did not complete, with their messages."""


class LlamaIndexDecoder(BaseDecoder):
    """Decoder of workflow events."""

    system: ClassVar[str] = "llama.index"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._agent: str | None = None
        self._usage: ev.Usage | None = None
        self._handoff: Block | None = None
        self._wrote = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of an agent or a workflow."""
        name, event = _unwrap(item)
        if name in _CLASSES:
            return get_field(event, _CLASSES[name]) is not None
        if isinstance(item, Mapping):
            return event is not item or name in ("StopEvent", "StartEvent", "InputRequiredEvent")
        bases = type(item).__mro__
        return any(
            base.__name__ == "Event" and base.__module__.startswith(("workflows", "llama_index"))
            for base in bases
        )

    def read(self, item: Any) -> None:
        """Read one event."""
        name, event = _unwrap(item)
        self.builder.begin()
        self._set_agent(get_str(event, "current_agent_name"))
        reader = _READERS.get(name)
        if reader is not None:
            reader(self, event)
        elif name in _ENDS:
            self._fail(name, event)
        elif name not in _IGNORED:
            self._other_event(item, name, event)

    def _other_event(self, item: Any, name: str, event: Any) -> None:
        """Read an event of the workflow's own: a question, or data."""
        if name.startswith("InputRequired") or get_field(event, "prefix") is not None:
            self._request_approval(event)
        elif self.recognises(item):
            self.builder.custom(name, _event_fields(event))
            self.expect_more()
        else:
            self.builder.raw(item, name)

    def _begin(self, event: Any = None) -> None:
        """Begin a response, unless one is open."""
        if not self.builder.in_step:
            self.new_step()
            self._usage, self._wrote = None, False

    def _structured_output(self, event: Any) -> None:
        self.builder.custom("structured_output", get_field(event, "output"))

    def _call(self, event: Any) -> None:
        self._write_args(self._call_of(event), event)

    def _set_agent(self, agent: str | None) -> None:
        """Set the current agent, and write a hand-off if it changes."""
        if agent is None or agent == self._agent:
            return
        if self._agent is not None:
            tool_id = block_id(self._handoff)
            self.builder.end_step()
            self.builder.write(
                ev.AgentHandoff(
                    to=agent, from_=self._agent, tool_id=tool_id, **self.builder.envelope
                )
            )
        self._agent = self.builder.envelope["agent"] = agent

    # --- the model ---

    def _stream(self, event: Any) -> None:
        self._begin()
        self.builder.reasoning("reasoning", get_str(event, "thinking_delta", default=""))
        delta = get_str(event, "delta")
        if delta:
            self.builder.end_reasoning("reasoning")
            self._wrote = True
            self.builder.text("text", delta)
        for call in entries_in(event, "tool_calls"):
            self._call_of(call)
        self._usage = _read_usage(get_field(event, "raw")) or self._usage

    def _output(self, event: Any) -> None:
        """End a response, whose event repeats its text."""
        self._begin()
        response = get_field(event, "response")
        blocks = [fields_or_empty(block) for block in entries_in(response, "blocks")]
        self._complete_reasoning(blocks)
        self._complete_text(blocks, get_str(response, "content"))
        calls = entries_in(event, "tool_calls")
        for call in calls:
            self._write_args(self._call_of(call), call)
        usage = _read_usage(get_field(event, "raw"))
        usage = usage or _read_usage(get_field(response, "additional_kwargs")) or self._usage
        self.builder.end_step("tool_calls" if calls else None, usage)

    def _complete_reasoning(self, blocks: list[Mapping[str, Any]]) -> None:
        thoughts = [block for block in blocks if block.get("block_type") == "thinking"]
        reasoning = "".join(str_field(block, "content", default="") for block in thoughts)
        if not self._wrote and self.builder.open_reasoning("reasoning") is None:
            self.builder.reasoning("reasoning", reasoning)
        self.builder.end_reasoning("reasoning")

    def _complete_text(self, blocks: list[Mapping[str, Any]], content: str | None) -> None:
        texts = [block for block in blocks if block.get("block_type") in ("text", None)]
        pieces = [str_field(block, "text", default="") for block in texts]
        text = "\n".join(filter(None, pieces)) or content
        if text:
            self.builder.start_text("text")
        # Several blocks that were streamed are not known to be joined so.
        is_known = len(pieces) < 2 or not self._wrote
        self.builder.end_text("text", text if is_known else None)

    # --- tools ---

    def _call_of(self, call: Any) -> Block:
        call_id = get_str(call, "tool_id")
        block = self._calls.get(call_id or "")
        if block is None or self._is_next(call, block):
            block = self._start(call_id, get_str(call, "tool_name", default="tool"))
        return block

    def _is_next(self, call: Any, block: Block) -> bool:
        """Return True if a call is a new one with the id of a call that has ended."""
        if not block.closed or not self.builder.in_step:
            return False
        return class_name(call) != "ToolCallResult"

    def _start(self, call_id: str | None, name: str) -> Block:
        is_handoff = name == "handoff"
        kind: ev.ToolKind = "function"
        if is_handoff:
            kind = "handoff"
        block = self.builder.start_tool(("call", call_id), name, call_id=call_id, kind=kind)
        self._calls[call_id or block.id] = block
        if is_handoff:
            self._handoff = block
        return block

    def _write_args(self, block: Block, call: Any) -> None:
        args = get_field(call, "tool_kwargs")
        self.builder.complete_args(block, args)

    def _result(self, event: Any) -> None:
        block = self._call_of(event)
        self._write_args(block, event)
        output = get_field(event, "tool_output")
        blocks = entries_in(output, "blocks")
        text = "\n".join(get_str(part, "text", default="") for part in blocks)
        content = get_field(output, "content") or text
        if get_field(output, "is_error"):
            self.builder.tool_error(block, nonempty_str(content), content)
        else:
            raw = get_field(output, "raw_output")
            if isinstance(raw, (str, int, float, bool, list, dict)):
                content = raw
            self.builder.tool_result(block, content)

    # --- humans, and the end ---

    def _request_approval(self, event: Any) -> None:
        details = _event_fields(event)
        prompt = get_str(event, "prefix") or next(
            filter(None, map(nonempty_str, details.values())), None
        )
        builder = self.builder
        waiting = [block for block in self._calls.values() if not block.closed]
        builder.write(
            ev.ApprovalRequest(
                approval_id=get_str(event, "id") or builder.mint("input"),
                tool_id=waiting[0].id if len(waiting) == 1 else None,
                kind="input",
                prompt=prompt,
                args=details,
                **builder.envelope,
            )
        )
        self.stop_info = StopInfo("paused")

    def _write_approval_response(self, event: Any) -> None:
        self.builder.custom("human_response", _event_fields(event))
        self.stop_info = TRUNCATED

    def _stop(self, event: Any) -> None:
        """Complete the run. A workflow without an agent has its answer only here."""
        result = get_str(event, "result")
        self.builder.end_step()
        if self.builder.step == 0 and result:
            self.new_step()
            self.builder.text("result", result)
            self.builder.end_step()
        self.stop_info = StopInfo("completed")

    def _fail(self, name: str, event: Any) -> None:
        if name == "WorkflowCancelledEvent":
            self.stop_info = StopInfo("cancelled")
            return
        error = get_field(event, "exception")  # an exception, or its JSON
        kind = get_str(error, "exception_type")
        message = get_str(error, "exception_message") or get_str(event, "message")
        if isinstance(error, BaseException):
            kind, message = type(error).__name__, str(error)
        self.fail(message or _ENDS[name], error_type=kind or name)
        if message and message.startswith("Max iterations"):
            # The agents' limit has no exception type of its own.
            self.stop_info = StopInfo("max_steps")


def _event_fields(event: Any) -> dict[str, Any]:
    """Return the public fields of an event of any class as JSON types."""
    inner = getattr(event, "_data", None)
    fields = {**fields_or_empty(event), **mapping_or_empty(inner)}
    return {name: to_jsonable(value) for name, value in fields.items() if not name.startswith("_")}


def _read_usage(raw: Any) -> ev.Usage | None:
    """Return the token counts in the provider's own chunk, or None."""
    usage = get_field(raw, "usage")
    counts = openai_usage(usage if usage is not None else raw)
    if counts is not None and (counts.input is not None or counts.output is not None):
        return counts
    return None


_READERS: dict[str, Callable[[LlamaIndexDecoder, Any], None]] = {
    "AgentInput": LlamaIndexDecoder._begin,
    "AgentSetup": LlamaIndexDecoder._begin,
    "AgentStream": LlamaIndexDecoder._stream,
    "AgentOutput": LlamaIndexDecoder._output,
    "ToolCall": LlamaIndexDecoder._call,
    "ToolCallResult": LlamaIndexDecoder._result,
    "StopEvent": LlamaIndexDecoder._stop,
    "AgentWorkflowStopEvent": LlamaIndexDecoder._stop,
    "AgentStreamStructuredOutput": LlamaIndexDecoder._structured_output,
    "HumanResponseEvent": LlamaIndexDecoder._write_approval_response,
}
