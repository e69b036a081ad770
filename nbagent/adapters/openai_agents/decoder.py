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
from nbagent.adapters.base.builder import parse
from nbagent.adapters.base.decoder import TRUNCATED, Verdict
from nbagent.adapters.base.fields import fields_or_none, look, plain, string
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
        """Whether the item is an event of the SDK, or a run of it."""
        kind = look(item, "type")
        if kind == _RAW:
            return look(item, "data") is not None
        if kind == _ITEM:
            return look(item, "item") is not None
        return (kind == _AGENT and look(item, "new_agent") is not None) or _is_run(item)

    def feed(self, item: Any) -> list[ev.Event]:
        """The events that one item means. Never raises: what cannot be read becomes a `raw` event."""
        inner = frame_of(item).data
        if look(inner, "type") == _RAW:
            self._raw_seen = True
            data = look(inner, "data")
            if look(data, "type") == "response.created":  # the model goes on: whatever it called was answered
                self._waiting.clear()
                self._handed_out.clear()
            if data is not None:
                return super().feed(data)
        return super().feed(item)

    def read(self, item: Any) -> None:
        """One event: of the model, of the run, or the run itself."""
        kind = look(item, "type")
        if kind == _ITEM:
            self._run_item(string(look(item, "name")) or "", look(item, "item"))
        elif kind == _AGENT:
            self._new_agent(_name_of(look(item, "new_agent")))
        elif _is_run(item):
            self._run(item)
        else:
            super().read(item)
            self._note_calls(fields_or_none(item))

    def _note_calls(self, said: Mapping[str, Any]) -> None:
        """Remember which calls the model made: somebody has to answer them."""
        inner = fields_or_none(said.get("item"))
        call_id = string(inner.get("call_id"))
        if said.get("type") == "response.output_item.done" and call_id and not str(inner.get("type")).endswith("_output"):
            self._waiting[call_id] = inner.get("arguments", inner.get("input"))

    # --- the run's items ------------------------------------------------------------------------------------------------

    def _run_item(self, name: str, item: Any) -> None:
        raw = look(item, "raw_item")
        said = {**fields_or_none(raw), "type": look(raw, "type") or _type_of(name)}
        call_id = string(said.get("call_id")) or string(said.get("id")) or ""
        self._speaks(_name_of(look(item, "agent")))
        if name in _HANDOFFS:
            self._hand_off(item, said, call_id)
        elif name in _REPEATS:
            if not self._raw_seen:
                self._write_item(said)
            if name != "handoff_requested" and call_id in self._waiting:
                self._handed_out.add(call_id)
        elif name in _ANSWERS:
            if said.get("output") is None and look(item, "output") is not None:
                said["output"] = plain(look(item, "output"))
            if not self._tools.answer(str(said["type"]), said):
                self._answer_from_before(said, call_id)
            self._answered(call_id)
        else:
            self.book.raw(raw, name or None)

    def _write_item(self, said: dict[str, Any]) -> None:
        """An item of a run whose raw events are not in the stream."""
        if not self.book.in_step:
            self.new_step()
        self._complete(Item((self.book.step, "item", self.book.mint("item")), None), said)
        self._note_calls({"type": "response.output_item.done", "item": said})
        self.verdict = Verdict("paused" if self._tools.pending else "completed")

    def _answer_from_before(self, said: Mapping[str, Any], call_id: str) -> None:
        """The result of a call that was made before this run was resumed; what it was called, no event says."""
        block = self.book.start_tool(("before", call_id), "tool", call_id=call_id or None)
        self.book.tool_result(block, said.get("output"))

    def _answered(self, call_id: str) -> None:
        self._waiting.pop(call_id, None)
        if self.verdict.status == "completed":
            self.verdict = TRUNCATED  # the model has yet to read it

    def _hand_off(self, item: Any, said: dict[str, Any], call_id: str) -> None:
        block = self._tools.block_of(call_id)
        self._tools.answer("function_call_output", said)
        self._answered(call_id)
        source, target = _name_of(look(item, "source_agent")), _name_of(look(item, "target_agent"))
        to = target or string(fields_or_none(parse(string(said.get("output")) or "")[0]).get("assistant")) or "agent"
        self.book.write(
            ev.AgentHandoff(to=to, from_=source or self._agent, tool_id=block.id if block else None, **self.book.stamp)
        )
        self._agent = to

    def _new_agent(self, name: str | None) -> None:
        """Somebody speaks from here on: at the start of every run, and after a hand-off."""
        self.book.begin()
        if self._agent not in (None, name) and name:
            self.book.write(ev.AgentHandoff(to=name, from_=self._agent, **self.book.stamp))
        self._agent = name
        self._speaks(name)

    def _speaks(self, name: str | None) -> None:
        if name:
            self.book.stamp["agent"] = name

    # --- the run itself -------------------------------------------------------------------------------------------------

    def _run(self, run: Any) -> None:
        """The run, after its last event."""
        asked = look(run, "interruptions") or ()
        for item in asked:
            raw = look(item, "raw_item")
            said = fields_or_none(raw)
            call_id = string(said.get("call_id")) or string(said.get("id")) or self.book.mint("approval")
            if call_id not in self._asked and said.get("type") != "mcp_approval_request":
                self._ask(call_id, said.get("arguments"), string(look(item, "tool_name")))
        if asked:
            self.verdict = Verdict("paused")
            return
        self._handed_out.clear()  # nobody is asked: what has no answer was cut off
        if look(run, "final_output") is not None and self.verdict == TRUNCATED:  # a tool's result was the answer
            self.verdict = Verdict("completed")
            self._waiting.clear()

    def _ask(self, call_id: str, arguments: Any, name: str | None = None) -> None:
        self._asked.add(call_id)
        block = self._tools.block_of(call_id)
        args = parse(arguments)[0] if isinstance(arguments, str) else plain(arguments)
        tool_id, prompt = (None, name) if block is None else (block.id, block.name)
        book = self.book
        book.write(ev.ApprovalRequest(approval_id=call_id, tool_id=tool_id, prompt=prompt, args=args, **book.stamp))

    def fail(self, message: str, code: str | None = None, error_type: str | None = None, fatal: bool = True) -> None:
        """Write an error once. The SDK raises when a run takes more turns than it may."""
        super().fail(message, code, error_type, fatal)
        if error_type == "MaxTurnsExceeded":
            self.verdict = Verdict("max_steps", code=code)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """The stream is over. A call that was handed out and has no answer waits for a human; one that was not was cut off."""
        if not self.book.ended and error is None and self.verdict.status == "completed" and self._waiting:
            if self._waiting.keys() <= self._handed_out:
                for call_id, arguments in self._waiting.items():
                    self._ask(call_id, arguments)
                self.verdict = Verdict("paused")
            else:
                self.verdict = TRUNCATED
        return super().close(error)


def _is_run(item: Any) -> bool:
    return isinstance(look(item, "interruptions"), list) and isinstance(look(item, "is_complete"), bool)


def _name_of(agent: Any) -> str | None:
    return string(agent) or string(look(agent, "name"))


def _type_of(name: str) -> str:
    """The type of a raw item that does not say it, by the name of its event."""
    return {"tool_output": "function_call_output", "mcp_approval_response": name, "message_output_created": "message"}.get(
        name, ""
    )
