"""Decoder of the OpenAI Agents SDK: the events of `Runner.run_streamed(…).stream_events()`.

Format: https://github.com/openai/openai-agents-python/blob/main/src/agents/stream_events.py (0.24).
The model's output comes as raw Responses events, whatever the model. The run's items repeat it, and
add tool results and hand-offs. Items are the SDK's objects, their JSON, and at the end the run
itself (`RunResultStreaming`), the only source of pending approvals. A run that was not streamed
(`RunResult` of `Runner.run`) is one item, with the run's items inside.

The format has no terminal event. Without the run itself it does not mark a call that needs
approval: a stream that stops after its calls were handed out counts as paused. It does not link the
results of a resumed run to the calls of the earlier run.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import block_id
from nbagent.adapters.base.decoder import TRUNCATED, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    nonempty_str,
    parse_args,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.payload import frame_of, usage_counts
from nbagent.adapters.openai_responses.decoder import ResponsesDecoder
from nbagent.adapters.openai_responses.items import Item

_RAW = "raw_response_event"
_ITEM = "run_item_stream_event"
_AGENT = "agent_updated_stream_event"
_REPEATED = {
    "message_output_created",
    "reasoning_item_created",
    "tool_called",
    "tool_search_called",
    "handoff_requested",
    "mcp_approval_requested",
    "mcp_list_tools",
}
_ANSWERS = {"tool_output", "tool_search_output_created", "mcp_approval_response"}
_HANDOFFS = {"handoff_occured", "handoff_occurred"}  # the first is how the SDK spells it
_EVENT_NAMES = {
    "message_output_item": "message_output_created",
    "reasoning_item": "reasoning_item_created",
    "tool_call_item": "tool_called",
    "tool_call_output_item": "tool_output",
    "handoff_call_item": "handoff_requested",
    "handoff_output_item": "handoff_occured",
    "mcp_list_tools_item": "mcp_list_tools",
    "mcp_approval_request_item": "mcp_approval_requested",
    "mcp_approval_response_item": "mcp_approval_response",
}
"""The event that a streamed run has for an item, by the item's type."""


class AgentsDecoder(ResponsesDecoder):
    """Decoder of stream events of the Agents SDK."""

    system: ClassVar[str] = "openai.agents"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._raw_seen = False
        self._agent: str | None = None
        self._waiting: dict[str, Any] = {}  # arguments of unanswered calls, by the provider's id
        self._handed_out: set[str] = set()
        self._asked: set[str] = set()

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of the SDK, or a run of it."""
        kind = get_field(item, "type")
        if kind == _RAW:
            return get_field(item, "data") is not None
        if kind == _ITEM:
            return get_field(item, "item") is not None
        return (kind == _AGENT and get_field(item, "new_agent") is not None) or _is_run(item)

    def feed(self, item: Any) -> list[ev.Event]:
        """Return the events of one item.

        Never raises: an item that cannot be read becomes a `raw` event.
        """
        inner = frame_of(item).data
        if get_field(inner, "type") == _RAW:
            self._raw_seen = True
            data = get_field(inner, "data")
            if get_field(data, "type") == "response.created":
                # The model runs again, so all its calls were answered.
                self._waiting.clear()
                self._handed_out.clear()
            if data is not None:
                return super().feed(data)
        return super().feed(item)

    def read(self, item: Any) -> None:
        """Read an event of the model, an event of the run, or the run itself."""
        kind = get_field(item, "type")
        if kind == _ITEM:
            self._run_item(get_str(item, "name", default=""), get_field(item, "item"))
        elif kind == _AGENT:
            self._new_agent(_name_of(get_field(item, "new_agent")))
        elif _is_run(item):
            self._run(item)
        else:
            super().read(item)
            self._note_calls(fields_or_empty(item))

    def _note_calls(self, payload: Mapping[str, Any]) -> None:
        """Remember the calls that the model made, until they are answered."""
        inner = fields_or_empty(payload.get("item"))
        call_id = str_field(inner, "call_id")
        if (
            payload.get("type") == "response.output_item.done"
            and call_id
            and not str(inner.get("type")).endswith("_output")
        ):
            self._waiting[call_id] = inner.get("arguments", inner.get("input"))

    # --- the run's items ---

    def _run_item(self, name: str, item: Any) -> None:
        raw = get_field(item, "raw_item")
        payload = {**fields_or_empty(raw), "type": get_field(raw, "type") or _default_type(name)}
        call_id = str_field(payload, "call_id", "id", default="")
        self._select_agent(_name_of(get_field(item, "agent")))
        if name in _HANDOFFS:
            self._hand_off(item, payload, call_id)
        elif name in _REPEATED:
            if not self._raw_seen:
                self._write_item(payload)
            if name != "handoff_requested" and call_id in self._waiting:
                self._handed_out.add(call_id)
        elif name in _ANSWERS:
            if payload.get("output") is None and get_field(item, "output") is not None:
                payload["output"] = to_jsonable(get_field(item, "output"))
            if not self._tools.answer(str(payload["type"]), payload, get_field(item, "output")):
                self._write_earlier_result(payload, call_id)
            self._answered(call_id)
        else:
            self.builder.raw(raw, name)

    def _write_item(self, payload: dict[str, Any]) -> None:
        """Write an item of a run whose raw events are not in the stream."""
        if not self.builder.in_step:
            self.new_step()
        self._complete(Item((self.builder.step, "item", self.builder.mint("item")), None), payload)
        self._note_calls({"type": "response.output_item.done", "item": payload})
        self.stop_info = StopInfo("paused" if self._tools.pending else "completed")

    def _write_earlier_result(self, payload: Mapping[str, Any], call_id: str) -> None:
        """Write the result of a call from before this run was resumed.

        No event has the tool's name.
        """
        block = self.builder.start_tool(("before", call_id), "tool", call_id=call_id or None)
        self.builder.tool_result(block, payload.get("output"))

    def _answered(self, call_id: str) -> None:
        self._waiting.pop(call_id, None)
        self.expect_more()  # the model has not read the result yet

    def _hand_off(self, item: Any, payload: dict[str, Any], call_id: str) -> None:
        block = self._tools.block_of(call_id)
        self._tools.answer("function_call_output", payload)
        self._answered(call_id)
        source, target = (
            _name_of(get_field(item, "source_agent")),
            _name_of(get_field(item, "target_agent")),
        )
        to = target or nonempty_str(
            fields_or_empty(parse_args(str_field(payload, "output", default=""))[0]).get(
                "assistant"
            ),
            default="agent",
        )
        self.builder.write(
            ev.AgentHandoff(
                to=to,
                from_=source or self._agent,
                tool_id=block_id(block),
                **self.builder.envelope,
            )
        )
        self._agent = to

    def _new_agent(self, name: str | None) -> None:
        """Set the current agent, at the start of every run and after a hand-off."""
        self.builder.begin()
        if self._agent not in (None, name) and name:
            self.builder.write(ev.AgentHandoff(to=name, from_=self._agent, **self.builder.envelope))
        self._agent = name
        self._select_agent(name)

    def _select_agent(self, name: str | None) -> None:
        if name:
            self.builder.envelope["agent"] = name

    # --- the run itself ---

    def _run(self, run: Any) -> None:
        """Read the run itself, after its last event: its pending approvals and its final output."""
        if not self._raw_seen and not self.builder.in_step:
            self._read_items(run)
        interruptions = entries_in(run, "interruptions")
        for item in interruptions:
            raw = get_field(item, "raw_item")
            payload = fields_or_empty(raw)
            call_id = str_field(payload, "call_id", "id") or self.builder.mint("approval")
            if call_id not in self._asked and payload.get("type") != "mcp_approval_request":
                self._request_approval(
                    call_id, payload.get("arguments"), get_str(item, "tool_name")
                )
        if interruptions:
            self.stop_info = StopInfo("paused")
            return
        self._handed_out.clear()  # no approval is pending: an unanswered call was cut off
        if get_field(run, "final_output") is not None and self.stop_info == TRUNCATED:
            # A tool's result was the final output.
            self.stop_info = StopInfo("completed")
            self._waiting.clear()

    def _read_items(self, run: Any) -> None:
        """Read the items of a run that was not streamed, and its token counts."""
        self._new_agent(None)
        for item in entries_in(run, "new_items"):
            if get_str(item, "type") == "tool_approval_item":  # the interruptions have it, too
                continue
            self._run_item(_EVENT_NAMES.get(get_str(item, "type", default=""), ""), item)
        counts = usage_counts(
            get_field(get_field(run, "context_wrapper"), "usage"),
            input="input_tokens",
            output="output_tokens",
            total="total_tokens",
        )
        if any(counts.values()):
            self.builder.usage = ev.Usage(**counts)

    def _request_approval(self, call_id: str, arguments: Any, name: str | None = None) -> None:
        self._asked.add(call_id)
        block = self._tools.block_of(call_id)
        if isinstance(arguments, str):
            args = parse_args(arguments)[0]
        else:
            args = to_jsonable(arguments)
        tool_id, prompt = (None, name) if block is None else (block.id, block.name)
        builder = self.builder
        builder.write(
            ev.ApprovalRequest(
                approval_id=call_id, tool_id=tool_id, prompt=prompt, args=args, **builder.envelope
            )
        )

    def fail(
        self,
        message: str,
        code: str | None = None,
        error_type: str | None = None,
        fatal: bool = True,
    ) -> None:
        """Write an error once.

        The SDK raises `MaxTurnsExceeded` when a run takes more turns than allowed.
        """
        super().fail(message, code, error_type, fatal)
        if error_type == "MaxTurnsExceeded":
            self.stop_info = StopInfo("max_steps", code=code)

    def at_eof(self) -> None:
        """Find out how the run ended: unanswered calls wait for a human if they were handed out,
        else they were cut off.
        """
        if self.stop_info.status != "completed" or not self._waiting:
            return
        if self._waiting.keys() <= self._handed_out:
            for call_id, arguments in self._waiting.items():
                self._request_approval(call_id, arguments)
            self.stop_info = StopInfo("paused")
        else:
            self.stop_info = TRUNCATED


def _is_run(item: Any) -> bool:
    is_streamed = isinstance(get_field(item, "is_complete"), bool)
    return isinstance(get_field(item, "interruptions"), list) and (
        is_streamed or isinstance(get_field(item, "new_items"), list)
    )


def _name_of(agent: Any) -> str | None:
    return nonempty_str(agent) or get_str(agent, "name")


def _default_type(name: str) -> str:
    """Return the type of a raw item without one, by the name of its event."""
    return {
        "tool_output": "function_call_output",
        "mcp_approval_response": name,
        "message_output_created": "message",
    }.get(name, "")
