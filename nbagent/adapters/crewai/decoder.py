"""Decoder of CrewAI: events of its bus, frames of a stream, and chunks of a streaming crew.

Format: https://docs.crewai.com/en/concepts/event-listener (crewai 1.15). An event has a `type`; a
frame (`{id, seq, type, channel, namespace, data}`) has an event in `data`; a chunk has `content`
and `chunk_type`. A tool result refers to the event that started the tool, not to a call.

The format has no hand-offs (a delegation is a tool call) and no citations. A stream of chunks has
no terminal.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    fields_or_empty,
    get_field,
    get_str,
    nonempty_str,
    to_jsonable,
    token_count,
)
from nbagent.adapters.base.openai_fields import openai_usage

_EVENT_PREFIXES = (
    "crew_",
    "task_",
    "agent_execution_",
    "lite_agent_execution_",
    "agent_reasoning_",
    "agent_logs_",
    "llm_",
    "tool_usage_",
    "tool_selection_",
    "tool_validate_",
    "tool_execution_",
    "memory_",
    "knowledge_",
    "flow_",
    "method_execution_",
    "human_feedback_",
    "mcp_",
    "a2a_",
)
_EVENT_SUFFIXES = (
    "_started",
    "_completed",
    "_failed",
    "_finished",
    "_error",
    "_chunk",
    "_requested",
    "_received",
    "_created",
)


class CrewDecoder(BaseDecoder):
    """Decoder of CrewAI's events, frames and chunks."""

    system: ClassVar[str] = "crewai"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._tools: dict[str, Block] = {}
        self._announced: dict[Any, Block] = {}
        self._root: str | None = None
        self._root_event: str | None = None
        self._streamed = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of CrewAI's events, frames or chunks."""
        if isinstance(item, (str, bytes)):
            return False
        if class_name(item) == "StreamChunk" or get_field(item, "chunk_type") is not None:
            return get_field(item, "content") is not None
        kind = get_field(item, "type")
        return (
            isinstance(kind, str)
            and kind.startswith(_EVENT_PREFIXES)
            and kind.endswith(_EVENT_SUFFIXES)
        )

    def read(self, item: Any) -> None:
        """Read an event, a frame or a chunk."""
        if get_field(item, "chunk_type") is not None:
            self._chunk(item)
            return
        kind = get_str(item, "type", default="")
        frame = get_field(item, "data")
        is_frame = isinstance(frame, Mapping) and get_field(item, "channel") is not None
        payload = {**frame, "event_id": get_field(item, "id")} if is_frame else item
        if kind.startswith(_EVENT_PREFIXES):
            self._event(kind, payload)
        elif is_frame:  # a bus also carries the user's own events
            self.builder.custom(kind, payload)
        else:
            self.unread(item, kind)

    def _event(self, kind: str, payload: Any) -> None:
        self.builder.begin(get_str(payload, "model"))
        role = get_str(payload, "agent_role") or get_str(get_field(payload, "agent"), "role")
        self.builder.envelope["agent"] = role
        subject, _, phase = kind.rpartition("_")
        for prefix, reader in _READERS.items():
            if kind.startswith(prefix):
                reader(self, kind, payload)
                return
        if phase in ("failed", "error"):
            self.fail(get_str(payload, "error", default=kind), error_type=kind, fatal=False)
        elif subject == "task" and phase == "started":
            task = get_str(get_field(payload, "task"), "description")
            name = get_str(payload, "task_name") or task
            self.builder.status(f"Task: {name}" if name else "Task started")
        elif kind.startswith(_OTHER_PREFIXES):
            self.builder.custom(kind, payload)

    def _ensure_step(self, model: str | None = None) -> None:
        if not self.builder.in_step:
            self.builder.start_step(model)
            self._streamed = False
            self._announced.clear()

    # --- the model ---

    def _llm_chunk(self, kind: str, payload: Any) -> None:
        self._ensure_step(get_str(payload, "model"))
        chunk = get_str(payload, "chunk", default="")
        call = get_field(payload, "tool_call")
        if call is not None:
            self._tool_call_delta(call)
        elif kind == "llm_thinking_chunk":
            self.builder.reasoning("reasoning", chunk)
        else:
            if chunk:
                self._streamed = True
                self.builder.end_reasoning("reasoning")
            self.builder.text("text", chunk)

    def _tool_call_delta(self, call: Any) -> None:
        """Write a delta of a call. The tool usage events that follow belong to the same call."""
        function = get_field(call, "function")
        index = get_field(call, "index")
        name, arguments = get_str(function, "name"), get_field(function, "arguments")
        call_id = get_str(call, "id", "tool_id")
        block = self._announced.get(index)
        if name and block is not None and call_id not in (None, block.call_id):
            # Some models reuse the index for the next call.
            self.builder.tool_args(block)
            block = None
        if name and block is None:
            block = self._announced[index] = self.builder.start_tool(
                ("piece", index, call_id), name, call_id=call_id
            )
        if block is not None and isinstance(arguments, str):
            # Some versions send the arguments so far instead of a delta.
            so_far = "".join(block.args_pieces)
            self.builder.tool_delta(block, arguments.removeprefix(so_far))

    def _llm_call(self, kind: str, payload: Any) -> None:
        if kind == "llm_call_started":
            self.builder.end_step()
            self._ensure_step(get_str(payload, "model"))
            return
        self._ensure_step(get_str(payload, "model"))
        response = get_str(payload, "response")
        if kind == "llm_call_failed":
            self.fail(get_str(payload, "error", default="The model call failed"), fatal=False)
        elif response and not self._announced:
            self.builder.start_text("text")
            self.builder.end_text("text", response)
        self._complete_args()
        self.builder.end_step(
            get_str(payload, "finish_reason"), openai_usage(get_field(payload, "usage"))
        )

    # --- tools ---

    def _tool(self, kind: str, payload: Any) -> None:
        if kind == "tool_usage_started":
            self._start_tool(payload)
            return
        block = self._tool_of(payload)
        if kind == "tool_usage_finished":
            self.builder.tool_result(block, get_field(payload, "output"))
        else:
            error = get_field(payload, "error") or kind
            self.builder.tool_error(block, nonempty_str(error) or str(to_jsonable(error)))

    def _start_tool(self, payload: Any) -> None:
        event_id = get_field(payload, "event_id")
        name = get_str(payload, "tool_name", default="tool")
        block = _open_call(self._announced, name)
        if block is None:
            block = self.builder.start_tool(("use", event_id), name)
        self._tools[str(event_id or block.id)] = block
        self.builder.complete_args(block, get_field(payload, "tool_args"))

    def _tool_of(self, payload: Any) -> Block:
        """Return the call that a result belongs to; without its start, a new one."""
        name = get_str(payload, "tool_name", default="tool")
        block = self._tools.get(str(get_field(payload, "started_event_id")))
        block = block or _open_call(self._tools, name)
        if block is None:
            block = self.builder.start_tool(("use", get_field(payload, "event_id")), name)
            args = to_jsonable(get_field(payload, "tool_args") or {})
            self.builder.tool_args(block, args=args)
        return block

    # --- humans, agents and the end ---

    def _human(self, kind: str, payload: Any) -> None:
        builder = self.builder
        request_id = get_str(payload, "request_id", "method_name", default="human")
        if kind.endswith("_requested"):
            options = get_field(payload, "emit")
            request = ev.ApprovalRequest(
                approval_id=request_id,
                kind="input",
                prompt=get_str(payload, "message", "prompt"),
                args=to_jsonable(get_field(payload, "output")),
                options=list(map(str, options)) if isinstance(options, list) else None,
                **builder.envelope,
            )
            builder.write(request)
        else:
            value = get_field(payload, "feedback") or get_field(payload, "response")
            response = ev.ApprovalResponse(
                approval_id=request_id,
                decision="approve",
                value=to_jsonable(value),
                **builder.envelope,
            )
            builder.write(response)

    def _lifecycle(self, kind: str, payload: Any) -> None:
        """Read the start or end of a crew, a flow or an agent. The first of them is the run."""
        subject, _, phase = kind.rpartition("_")
        if phase == "created" or subject.startswith("flow_plot"):
            return
        is_root = self._is_root(subject, get_field(payload, "started_event_id"))
        if phase == "started":
            self._start_run(subject, payload)
        elif phase in ("failed", "error"):
            self.fail(get_str(payload, "error", default="The run failed"), fatal=is_root)
        elif phase in ("completed", "finished") and is_root:
            self._root = subject
            self._end_run(payload)
        elif phase == "paused":
            self.stop_info = StopInfo("paused")

    def _is_root(self, subject: str, started_event_id: Any) -> bool:
        """Return True if an event is the run's: a crew emits flow events of its own, inside the
        flow that runs it.
        """
        if self._root not in (None, subject):
            return False
        return started_event_id in (None, self._root_event)

    def _start_run(self, subject: str, payload: Any) -> None:
        if self._root is None:
            self._root, self._root_event = subject, get_str(payload, "event_id")
        role = self.builder.envelope["agent"]
        if subject == "agent_execution" and role:
            self.builder.status(role)

    def _end_run(self, payload: Any) -> None:
        self.builder.end_step()
        counts = fields_or_empty(get_field(payload, "token_usage"))
        total = token_count(get_field(payload, "total_tokens"))
        if self.builder.usage is None and (counts or total is not None):
            self.builder.usage = openai_usage(counts) or ev.Usage(total=total)
        self.stop_info = StopInfo("completed")

    # --- chunks ---

    def _chunk(self, item: Any) -> None:
        """Read a chunk of a streaming crew: a delta of an agent's text, or of a call."""
        self.builder.begin()
        role = get_str(item, "agent_role")
        if role != self.builder.envelope.get("agent"):
            self.builder.end_step()
        self.builder.envelope["agent"] = role
        self._ensure_step()
        call = get_field(item, "tool_call")
        if call is not None and _enum_value(get_field(item, "chunk_type")) == "tool_call":
            name = get_str(call, "tool_name")
            if name is not None:
                function = {"name": name, "arguments": get_field(call, "arguments")}
                call = {**fields_or_empty(call), "function": function}
            self._tool_call_delta(call)
        else:
            self._complete_args()
            self.builder.text("text", get_str(item, "content", default=""))
        self.stop_info = StopInfo("completed")

    def finish(self) -> None:
        """End the response, and complete the arguments of its calls."""
        self._complete_args()
        super().finish()

    def _complete_args(self) -> None:
        for block in self._announced.values():
            self.builder.tool_args(block)


def _open_call(calls: Mapping[Any, Block], name: str) -> Block | None:
    """Return the oldest call of a tool that has no result; None if there is none."""
    for block in calls.values():
        if block.name == name and not block.closed:
            return block
    return None


def _enum_value(value: Any) -> str:
    """Return the value of an enum's member, or of a plain value, as a string."""
    return str(getattr(value, "value", value))


# The first prefix that fits decides.
_READERS: dict[str, Callable[[CrewDecoder, str, Any], None]] = {
    "llm_stream_chunk": CrewDecoder._llm_chunk,
    "llm_thinking_chunk": CrewDecoder._llm_chunk,
    "llm_call_": CrewDecoder._llm_call,
    "tool_": CrewDecoder._tool,
    "human_feedback": CrewDecoder._human,
    "flow_input": CrewDecoder._human,
    "crew_kickoff": CrewDecoder._lifecycle,
    "flow_": CrewDecoder._lifecycle,
    "lite_agent_execution": CrewDecoder._lifecycle,
    "agent_execution": CrewDecoder._lifecycle,
}
_OTHER_PREFIXES = ("memory_", "knowledge_", "mcp_", "a2a_", "method_", "agent_", "llm_")
