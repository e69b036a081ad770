"""The OpenAI Agents SDK: what `Runner.run_streamed(…).stream_events()` gives.

The types: https://github.com/openai/openai-agents-python/blob/main/src/agents/stream_events.py (0.24). The model's part comes
as raw Responses events, whatever the model; the run's items repeat it, and add what tools returned and who took over. Takes the
SDK's objects, what they become as JSON, and at the end the run itself, which alone knows what waits for approval.

What the events cannot say: their own end, that a call needs approval (without the run itself, a stream that stops after its
calls were handed out waits for a human), and which call of an earlier run a resumed one answers.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import parse_args
from nbagent.adapters.base.decoder import TRUNCATED, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, get_field, nonempty_str, str_field, to_jsonable
from nbagent.adapters.base.payload import frame_of
from nbagent.adapters.openai_responses.decoder import ResponsesDecoder
from nbagent.adapters.openai_responses.items import Item

_RAW = "raw_response_event"
_ITEM = "run_item_stream_event"
_AGENT = "agent_updated_stream_event"
_REPEATS = {
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


class AgentsDecoder(ResponsesDecoder):
    """Stream events of the Agents SDK to events."""

    system: ClassVar[str] = "openai.agents"

    def __init__(self) -> None:
        super().__init__()
        self._raw_seen = False
        self._agent: str | None = None
        self._waiting: dict[str, Any] = {}  # calls without an answer: their arguments, by the provider's id
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
        """The events that one item means. Never raises: what cannot be read becomes a `raw` event."""
        inner = frame_of(item).data
        if get_field(inner, "type") == _RAW:
            self._raw_seen = True
            data = get_field(inner, "data")
            if get_field(data, "type") == "response.created":  # the model goes on: whatever it called was answered
                self._waiting.clear()
                self._handed_out.clear()
            if data is not None:
                return super().feed(data)
        return super().feed(item)

    def read(self, item: Any) -> None:
        """One event: of the model, of the run, or the run itself."""
        kind = get_field(item, "type")
        if kind == _ITEM:
            self._run_item(nonempty_str(get_field(item, "name")) or "", get_field(item, "item"))
        elif kind == _AGENT:
            self._new_agent(_name_of(get_field(item, "new_agent")))
        elif _is_run(item):
            self._run(item)
        else:
            super().read(item)
            self._note_calls(fields_or_empty(item))

    def _note_calls(self, payload: Mapping[str, Any]) -> None:
        """Remember which calls the model made: somebody has to answer them."""
        inner = fields_or_empty(payload.get("item"))
        call_id = str_field(inner, "call_id")
        if payload.get("type") == "response.output_item.done" and call_id and not str(inner.get("type")).endswith("_output"):
            self._waiting[call_id] = inner.get("arguments", inner.get("input"))

    # --- the run's items ------------------------------------------------------------------------------------------------

    def _run_item(self, name: str, item: Any) -> None:
        raw = get_field(item, "raw_item")
        payload = {**fields_or_empty(raw), "type": get_field(raw, "type") or _type_of(name)}
        call_id = str_field(payload, "call_id") or str_field(payload, "id") or ""
        self._speaks(_name_of(get_field(item, "agent")))
        if name in _HANDOFFS:
            self._hand_off(item, payload, call_id)
        elif name in _REPEATS:
            if not self._raw_seen:
                self._write_item(payload)
            if name != "handoff_requested" and call_id in self._waiting:
                self._handed_out.add(call_id)
        elif name in _ANSWERS:
            if payload.get("output") is None and get_field(item, "output") is not None:
                payload["output"] = to_jsonable(get_field(item, "output"))
            if not self._tools.answer(str(payload["type"]), payload):
                self._answer_from_before(payload, call_id)
            self._answered(call_id)
        else:
            self.builder.raw(raw, name or None)

    def _write_item(self, payload: dict[str, Any]) -> None:
        """An item of a run whose raw events are not in the stream."""
        if not self.builder.in_step:
            self.new_step()
        self._complete(Item((self.builder.step, "item", self.builder.mint("item")), None), payload)
        self._note_calls({"type": "response.output_item.done", "item": payload})
        self.stop_info = StopInfo("paused" if self._tools.pending else "completed")

    def _answer_from_before(self, payload: Mapping[str, Any], call_id: str) -> None:
        """The result of a call that was made before this run was resumed; what it was called, no event says."""
        block = self.builder.start_tool(("before", call_id), "tool", call_id=call_id or None)
        self.builder.tool_result(block, payload.get("output"))

    def _answered(self, call_id: str) -> None:
        self._waiting.pop(call_id, None)
        if self.stop_info.status == "completed":
            self.stop_info = TRUNCATED  # the model has yet to read it

    def _hand_off(self, item: Any, payload: dict[str, Any], call_id: str) -> None:
        block = self._tools.block_of(call_id)
        self._tools.answer("function_call_output", payload)
        self._answered(call_id)
        source, target = _name_of(get_field(item, "source_agent")), _name_of(get_field(item, "target_agent"))
        to = (
            target
            or nonempty_str(fields_or_empty(parse_args(str_field(payload, "output") or "")[0]).get("assistant"))
            or "agent"
        )
        self.builder.write(
            ev.AgentHandoff(to=to, from_=source or self._agent, tool_id=block.id if block else None, **self.builder.envelope)
        )
        self._agent = to

    def _new_agent(self, name: str | None) -> None:
        """Somebody speaks from here on: at the start of every run, and after a hand-off."""
        self.builder.begin()
        if self._agent not in (None, name) and name:
            self.builder.write(ev.AgentHandoff(to=name, from_=self._agent, **self.builder.envelope))
        self._agent = name
        self._speaks(name)

    def _speaks(self, name: str | None) -> None:
        if name:
            self.builder.envelope["agent"] = name

    # --- the run itself -------------------------------------------------------------------------------------------------

    def _run(self, run: Any) -> None:
        """The run, after its last event."""
        asked = get_field(run, "interruptions") or ()
        for item in asked:
            raw = get_field(item, "raw_item")
            payload = fields_or_empty(raw)
            call_id = str_field(payload, "call_id") or str_field(payload, "id") or self.builder.mint("approval")
            if call_id not in self._asked and payload.get("type") != "mcp_approval_request":
                self._ask(call_id, payload.get("arguments"), nonempty_str(get_field(item, "tool_name")))
        if asked:
            self.stop_info = StopInfo("paused")
            return
        self._handed_out.clear()  # nobody is asked: what has no answer was cut off
        if get_field(run, "final_output") is not None and self.stop_info == TRUNCATED:  # a tool's result was the answer
            self.stop_info = StopInfo("completed")
            self._waiting.clear()

    def _ask(self, call_id: str, arguments: Any, name: str | None = None) -> None:
        self._asked.add(call_id)
        block = self._tools.block_of(call_id)
        args = parse_args(arguments)[0] if isinstance(arguments, str) else to_jsonable(arguments)
        tool_id, prompt = (None, name) if block is None else (block.id, block.name)
        builder = self.builder
        builder.write(ev.ApprovalRequest(approval_id=call_id, tool_id=tool_id, prompt=prompt, args=args, **builder.envelope))

    def fail(self, message: str, code: str | None = None, error_type: str | None = None, fatal: bool = True) -> None:
        """Write an error once. The SDK raises when a run takes more turns than it may."""
        super().fail(message, code, error_type, fatal)
        if error_type == "MaxTurnsExceeded":
            self.stop_info = StopInfo("max_steps", code=code)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over. A call that was handed out and has no answer waits for a human; one that was not was cut off."""
        if not self.builder.ended and error is None and self.stop_info.status == "completed" and self._waiting:
            if self._waiting.keys() <= self._handed_out:
                for call_id, arguments in self._waiting.items():
                    self._ask(call_id, arguments)
                self.stop_info = StopInfo("paused")
            else:
                self.stop_info = TRUNCATED
        return super().close(error)


def _is_run(item: Any) -> bool:
    return isinstance(get_field(item, "interruptions"), list) and isinstance(get_field(item, "is_complete"), bool)


def _name_of(agent: Any) -> str | None:
    return nonempty_str(agent) or nonempty_str(get_field(agent, "name"))


def _type_of(name: str) -> str:
    """The type of a raw item that does not say it, by the name of its event."""
    return {"tool_output": "function_call_output", "mcp_approval_response": name, "message_output_created": "message"}.get(
        name, ""
    )
