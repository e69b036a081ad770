"""Decoder of CrewAI: events of its bus, frames of a stream, and chunks of a streaming crew.

Format: https://docs.crewai.com/en/concepts/event-listener (crewai 1.15). An event has a `type`; a
frame (`{id, seq, type, channel, namespace, data}`) has an event in `data`; a chunk has `content`
and `chunk_type`. A tool result refers to the event that started the tool, not to a call.

The format has no hand-offs (a delegation is a tool call) and no citations. A stream of chunks has
no terminal.
"""

from collections.abc import Mapping
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
        if isinstance(item, str | bytes):
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
        if not kind.startswith(_EVENT_PREFIXES):
            if is_frame:  # a bus also carries the user's own events
                self.builder.custom(kind, payload)
            else:
                self.unread(item, kind or None)
            return
        self.builder.begin(get_str(payload, "model"))
        role = get_str(payload, "agent_role") or nonempty_str(
            get_field(get_field(payload, "agent"), "role")
        )
        self.builder.envelope["agent"] = role
        subject, _, phase = kind.rpartition("_")
        if kind in ("llm_stream_chunk", "llm_thinking_chunk"):
            self._llm_chunk(payload, reasoning=kind == "llm_thinking_chunk")
        elif subject == "llm_call":
            self._llm_call(phase, payload)
        elif kind.startswith("tool_"):
            self._tool(kind, payload)
        elif kind.startswith(("human_feedback", "flow_input")):
            self._human(phase, payload)
        elif kind.startswith(("crew_kickoff", "flow_", "lite_agent_execution", "agent_execution")):
            self._lifecycle(subject, phase, payload, role)
        elif phase in ("failed", "error"):
            self.fail(get_str(payload, "error", default=kind), error_type=kind, fatal=False)
        elif kind.startswith("task") and phase == "started":
            name = get_str(payload, "task_name") or nonempty_str(
                get_field(get_field(payload, "task"), "description")
            )
            self.builder.status(f"Task: {name}" if name else "Task started")
        elif kind.startswith(
            ("memory_", "knowledge_", "mcp_", "a2a_", "method_", "agent_", "llm_")
        ):
            self.builder.custom(kind, payload)

    def _ensure_step(self, model: str | None = None) -> None:
        if not self.builder.in_step:
            self.builder.start_step(model)
            self._streamed = False
            self._announced.clear()

    # --- the model ---

    def _llm_chunk(self, payload: Any, *, reasoning: bool) -> None:
        self._ensure_step(get_str(payload, "model"))
        chunk = get_str(payload, "chunk", default="")
        call = get_field(payload, "tool_call")
        if call is not None:
            self._tool_call_delta(call)
        elif reasoning:
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
        if name and (block is None or call_id not in (None, block.call_id)):
            # Some models reuse the index for the next call.
            if block is not None:
                self.builder.tool_args(block)
            block = self._announced[index] = self.builder.start_tool(
                ("piece", index, call_id), name, call_id=call_id
            )
        if block is not None and isinstance(arguments, str):
            # Some versions send the arguments so far instead of a delta.
            so_far = "".join(block.args_pieces)
            self.builder.tool_delta(
                block,
                arguments[len(so_far) :] if so_far and arguments.startswith(so_far) else arguments,
            )

    def _llm_call(self, phase: str, payload: Any) -> None:
        if phase == "started":
            self.builder.end_step()
            self._ensure_step(get_str(payload, "model"))
            return
        self._ensure_step(get_str(payload, "model"))
        response = get_field(payload, "response")
        if phase == "failed":
            self.fail(get_str(payload, "error", default="The model call failed"), fatal=False)
        elif isinstance(response, str) and response and not self._announced:
            self.builder.start_text("text")
            self.builder.end_text("text", response)
        self._complete_args()
        self.builder.end_step(
            get_str(payload, "finish_reason"), openai_usage(get_field(payload, "usage"))
        )

    # --- tools ---

    def _tool(self, kind: str, payload: Any) -> None:
        name = get_str(payload, "tool_name", default="tool")
        if kind == "tool_usage_started":
            known = [
                block
                for block in self._announced.values()
                if block.name == name and not block.closed
            ]
            if known:
                block = known[0]
            else:
                block = self.builder.start_tool(("use", get_field(payload, "event_id")), name)
            self._tools[str(get_field(payload, "event_id") or block.id)] = block
            args = get_field(payload, "tool_args")
            self.builder.complete_args(block, args)
            return
        block_or_none = self._tools.get(str(get_field(payload, "started_event_id")))
        if block_or_none is None:
            block_or_none = next(
                (
                    block
                    for block in self._tools.values()
                    if block.name == name and not block.closed
                ),
                None,
            )
        if block_or_none is None:
            block_or_none = self.builder.start_tool(("use", get_field(payload, "event_id")), name)
            self.builder.tool_args(
                block_or_none, args=to_jsonable(get_field(payload, "tool_args") or {})
            )
        if kind == "tool_usage_finished":
            self.builder.tool_result(block_or_none, get_field(payload, "output"))
        else:
            error = get_str(payload, "error") or str(
                to_jsonable(get_field(payload, "error") or kind)
            )
            self.builder.tool_error(block_or_none, error)

    # --- humans, agents and the end ---

    def _human(self, phase: str, payload: Any) -> None:
        builder = self.builder
        request_id = get_str(payload, "request_id", "method_name", default="human")
        if phase == "requested":
            prompt = get_str(payload, "message", "prompt")
            options = get_field(payload, "emit")
            builder.write(
                ev.ApprovalRequest(
                    approval_id=request_id,
                    kind="input",
                    prompt=prompt,
                    args=to_jsonable(get_field(payload, "output")),
                    options=[str(option) for option in options]
                    if isinstance(options, list)
                    else None,
                    **builder.envelope,
                )
            )
        else:
            value = get_field(payload, "feedback") or get_field(payload, "response")
            builder.write(
                ev.ApprovalResponse(
                    approval_id=request_id,
                    decision="approve",
                    value=to_jsonable(value),
                    **builder.envelope,
                )
            )

    def _lifecycle(self, subject: str, phase: str, payload: Any, role: str | None) -> None:
        """Read the start or end of a crew, a flow or an agent. The first of them is the run."""
        if phase == "created" or subject.startswith("flow_plot"):
            return
        # A crew emits flow events of its own, inside the flow that runs it.
        is_root = subject == (self._root or subject) and get_field(payload, "started_event_id") in (
            None,
            self._root_event,
        )
        if phase == "started":
            if self._root is None:
                self._root, self._root_event = subject, get_str(payload, "event_id")
            if subject.startswith("agent_execution") and role:
                self.builder.status(role)
        elif phase in ("failed", "error"):
            self.fail(get_str(payload, "error", default="The run failed"), fatal=is_root)
        elif phase in ("completed", "finished") and is_root:
            self._root = subject
            self.builder.end_step()
            counts = fields_or_empty(get_field(payload, "token_usage"))
            total = token_count(get_field(payload, "total_tokens"))
            if self.builder.usage is None and (counts or total is not None):
                self.builder.usage = openai_usage(counts) or ev.Usage(total=total)
            self.stop_info = StopInfo("completed")
        elif phase == "paused":
            self.stop_info = StopInfo("paused")

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
            function = {"name": name, "arguments": get_field(call, "arguments")}
            self._tool_call_delta(
                call if name is None else {**fields_or_empty(call), "function": function}
            )
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


def _enum_value(value: Any) -> str:
    """Return the value of an enum's member, or of a plain value, as a string."""
    return str(getattr(value, "value", value))
