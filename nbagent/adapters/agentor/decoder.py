"""Decoder of Agentor: the outputs of `stream_chat` and `POST /chat`, and the events of its engine.

Format: https://github.com/CelestoAI/agentor at 6fa8fa1, `agentor/output_text_formatter.py` and
`agentor/engine/events.py` (0.0.23 and 0.1.1). Items are objects, dicts, or their serialised form:
JSON objects over several lines, one after another without framing, as strings or bytes cut at any
place. `POST /chat` without `stream` has the answer alone, as a string. The A2A decoder reads its
A2A server.

`stream_chat` has no arguments, call ids (a result goes to the oldest open call of its name), tokens
or models, and no terminal: a stream is complete if its last item is a message. An error is a
message like any other.
"""

import codecs
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields, nonempty_str, str_field
from nbagent.adapters.base.payload import try_wire_dict, usage_counts
from nbagent.adapters.base.served_question import request_of
from nbagent.events.jsonable import text_safe

_OUTPUT_TYPES = {"agent_updated_stream_event", "raw_response_event", "run_item_stream_event"}
_ENGINE_TYPES = {
    "run_start",
    "text_delta",
    "generation",
    "message",
    "tool_call",
    "tool_result",
    "run_end",
    "error",
    "fork",
}
_ENGINE_FIELDS = {"type", "turn", "call_id"}
_SERIALISED_OUTPUT = re.compile(
    r'\s*(data:\s*)?\{\s*"type":\s*"(agent_updated|raw_response|run_item)_(stream_)?event"'
)
_MAX_TURNS_MESSAGE = re.compile(r"Reached max_turns \(\d+\) without a final answer\.")
_TEXT_KEY = "text"


class AgentorDecoder(BaseDecoder):
    """Decoder of outputs and engine events."""

    system: ClassVar[str] = "agentor"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._calls: dict[str, Block] = {}
        self._turn: Any = None
        self._waiting = 0
        self._is_first = True

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an output or an engine event, or the text of an output."""
        if isinstance(item, (bytes, bytearray)):
            item = bytes(item).decode("utf-8", "replace")
        if isinstance(item, str):
            return _SERIALISED_OUTPUT.match(item) is not None
        payload = try_wire_dict(item)
        kind = payload.get("type")
        if not isinstance(kind, str):
            return False
        return (kind in _OUTPUT_TYPES and "tool_action" in payload) or (
            kind in _ENGINE_TYPES and set(payload) >= _ENGINE_FIELDS
        )

    def read(self, item: Any) -> None:
        """Read one item, or a piece of the serialised form of several."""
        is_first, self._is_first = self._is_first, False
        if is_first and isinstance(item, str) and _is_answer(item):
            self._answer(item)
            return
        if isinstance(item, (str, bytes, bytearray)):
            self._pending += item if isinstance(item, str) else self._utf8.decode(bytes(item))
            self._read_pending()
            return
        payload = fields(item)
        kind = str_field(payload, "type", default="")
        if kind in _OUTPUT_TYPES and "tool_action" in payload:
            self._output(kind, payload)
        elif kind in _ENGINE_TYPES:
            self._engine(kind, payload)
        else:
            self.unread(item, kind)

    def _read_pending(self) -> None:
        """Read the objects that are complete; an incomplete one waits for more text."""
        while text := self._pending.lstrip().removeprefix("data:").lstrip():
            try:
                item, end = json.JSONDecoder().raw_decode(text)
            except (ValueError, RecursionError):
                self._pending = text
                return
            self._pending = text[end:]
            if isinstance(item, dict):
                self.read(item)
            else:
                self.builder.raw(item)
        self._pending = ""

    def _flush(self) -> None:
        """Read the remaining text at the end.

        Parts that are no JSON become `raw` events; objects after them are still read.
        """
        pieces, self._pending = re.split(r"(?<=^\})\n", self._pending, flags=re.MULTILINE), ""
        for piece in filter(str.strip, pieces):
            self._pending = piece
            self._read_pending()
            if self._pending:
                self.builder.raw(self._pending)
                self._pending = ""

    def finish(self) -> None:
        """End the step. The run is paused if approvals are pending."""
        if self._waiting and self.stop_info.status in ("completed", "incomplete"):
            self.stop_info = StopInfo("paused")
        super().finish()

    def at_eof(self) -> None:
        """Write what was kept back. The run is paused if approvals are pending."""
        self._flush()
        if self._waiting and self.stop_info.status in ("completed", "incomplete"):
            self.stop_info = StopInfo("paused")

    def go_on(self) -> None:
        """Go on with a run that was paused: its approvals were given."""
        super().go_on()
        self._waiting = 0

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and read the remaining text."""
        if not self.builder.ended:
            self._flush()
        return super().close(error)

    # --- outputs of `stream_chat` ---

    def _output(self, kind: str, payload: Mapping[str, Any]) -> None:
        self.builder.need_step()
        message, chunk = str_field(payload, "message"), str_field(payload, "chunk")
        action = payload.get("tool_action")
        if str_field(payload, "reasoning"):
            self.builder.reasoning("reasoning", payload["reasoning"])
            self.builder.end_reasoning("reasoning")
        if kind == "agent_updated_stream_event":
            self._set_agent(message)
        elif action is not None:
            self._action(fields(action), payload.get("message"))
        elif chunk:
            self.builder.text(_TEXT_KEY, chunk)
        elif message:
            self._answer(message)

    def _answer(self, text: str) -> None:
        self._write_complete_text(_TEXT_KEY, text)
        has_ended = _MAX_TURNS_MESSAGE.fullmatch(text) is None
        self.stop_info = StopInfo("completed" if has_ended else "max_steps")

    def _write_complete_text(self, key: Any, text: str) -> None:
        """Write a complete text, which may have been streamed before."""
        if self.builder.text_id(key) is None:
            self.builder.text(key, text)
            self.builder.end_text(key)
        else:
            self.builder.end_text(key, text)

    def _set_agent(self, name: str | None, tool: Block | None = None) -> None:
        """Set the current agent, and write a hand-off if it is not the first."""
        before = self.builder.envelope.get("agent")
        if not name or name == before:
            return
        if before is not None or tool is not None:
            tool_id = block_id(tool)
            self.builder.write(
                ev.AgentHandoff(to=name, from_=before, tool_id=tool_id, **self.builder.envelope)
            )
        self.builder.envelope["agent"] = text_safe(name)

    def _action(self, action: Mapping[str, Any], message: Any) -> None:
        kind, name = (
            str_field(action, "type", default=""),
            str_field(action, "name", default="tool"),
        )
        self.stop_info = TRUNCATED  # the agent still has to answer after a tool
        self.builder.end_texts_and_reasoning()
        if kind == "tool_called":
            self.builder.start_tool(self.builder.mint("call"), name)
        elif kind == "tool_output":
            self.builder.tool_result(self._call_of_result(name), message)
        elif kind == "handoff_requested":
            self.builder.start_tool(self.builder.mint("call"), name, kind="handoff")
        elif kind in ("handoff_occured", "handoff_occurred"):
            handoff = self._call_of_result(name)
            self.builder.tool_result(handoff, message)
            self._set_agent(nonempty_str(message, default=name), handoff)
        elif kind == "mcp_approval_requested":
            self._request_approval(name, action, message)
        else:
            self._waiting -= kind == "mcp_approval_response" and self._waiting > 0
            self.builder.custom(kind or "tool_action", action)

    def _request_approval(self, name: str, action: Mapping[str, Any], message: Any) -> None:
        self._waiting += 1
        call = self.builder.oldest_unanswered(name)
        request = request_of(action.get("question"), block_id(call))
        if request is None:
            prompt = nonempty_str(message, default=name)
            approval_id = self.builder.mint("approval")
            request = ev.ApprovalRequest(approval_id=approval_id, prompt=prompt)
        self.builder.write(request)

    def _call_of_result(self, name: str) -> Block:
        """Return the call of a result: the oldest open one of that name, else the oldest.

        Version 0.0.23 gives every result the name "dict" (agentor/pre-stream_chat).
        """
        waiting = self.builder.unanswered(name) or self.builder.unanswered()
        if waiting:
            return waiting[0]
        return self.builder.start_tool(self.builder.mint("call"), name)

    # --- the engine's own events ---

    def _engine(self, kind: str, payload: Mapping[str, Any]) -> None:
        agent, turn = str_field(payload, "agent"), payload.get("turn")
        if agent:
            self.builder.envelope["agent"] = text_safe(agent)
        if kind == "run_start":
            self.builder.begin(str_field(payload, "model"))
            return
        if turn is not None and turn != self._turn and kind != "run_end":
            self._turn = turn
            self.builder.start_step(str_field(payload, "model"))
        reader = _READERS.get(kind)
        if reader is not None:
            reader(self, payload)

    def _text_delta(self, payload: Mapping[str, Any]) -> None:
        self.builder.text(_TEXT_KEY, str_field(payload, "text", default=""))

    def _message(self, payload: Mapping[str, Any]) -> None:
        text = str_field(payload, "text")
        if text:
            self._write_complete_text(_TEXT_KEY, text)

    def _failure(self, payload: Mapping[str, Any]) -> None:
        self._error(str_field(payload, "error", "text", default=""))

    def _fork(self, payload: Mapping[str, Any]) -> None:
        origin = str_field(payload, "forked_from", default="another run")
        self.builder.status(f"Goes on from {origin}")

    def _generation(self, payload: Mapping[str, Any]) -> None:
        """Write the reasoning of a model response, and its text if it has calls: a text without
        calls has its own event.
        """
        if str_field(payload, "reasoning"):
            self.builder.reasoning("reasoning", payload["reasoning"])
            self.builder.end_reasoning("reasoning")
        text = str_field(payload, "text")
        if text and payload.get("calls"):
            self._write_complete_text(_TEXT_KEY, text)
        self._add_usage(payload, add=True)

    def _error(self, text: str) -> None:
        """Fail the run with a message of the form `Type: message`."""
        kind, _, message = text.partition(": ")
        has_type = bool(message) and kind.isidentifier()
        if has_type:
            self.fail(message, error_type=kind)
        else:
            self.fail(text)

    def _engine_call(self, payload: Mapping[str, Any]) -> None:
        self.builder.end_texts_and_reasoning()
        call_id, args = str_field(payload, "call_id"), payload.get("args")
        block = self.builder.start_tool(
            call_id, str_field(payload, "name", default="tool"), call_id=call_id
        )
        self._calls[call_id or ""] = block
        self.builder.complete_args(block, args)

    def _engine_result(self, payload: Mapping[str, Any]) -> None:
        block = self._calls.get(str_field(payload, "call_id", default=""))
        if block is None:
            self._engine_call({**payload, "args": None})
            block = self._calls[str_field(payload, "call_id", default="")]
        error = str_field(payload, "error")
        content = payload.get("result")
        self.builder.end_tool(block, content, failed=error is not None, message=error)

    def _add_usage(self, payload: Mapping[str, Any], *, add: bool) -> None:
        counts = usage_counts(
            payload.get("usage"),
            input=("input", "input_tokens"),
            output=("output", "output_tokens"),
            total=("total", "total_tokens"),
        )
        if not counts:
            return
        if not add:
            self.builder.usage = None
        total = self.builder.add_usage(ev.Usage(**counts))
        self.builder.write(ev.UsageUpdate(usage=total, **self.builder.envelope))

    def _run_end(self, payload: Mapping[str, Any]) -> None:
        self._add_usage(payload, add=False)
        status = str_field(payload, "status")
        if status == "failed":
            self._error(str_field(payload, "error", default="the run failed"))
        elif self.stop_info.status != "failed":
            if status == "max_turns":
                self.stop_info = StopInfo("max_steps", status)
            else:
                self.stop_info = StopInfo("completed", status)


def _is_answer(item: str) -> bool:
    """Return True for the answer of `POST /chat` without `stream`, a string in place of outputs."""
    return not item.lstrip().startswith(("{", "data:"))


_READERS: dict[str, Callable[[AgentorDecoder, Mapping[str, Any]], None]] = {
    "text_delta": AgentorDecoder._text_delta,
    "message": AgentorDecoder._message,
    "generation": AgentorDecoder._generation,
    "tool_call": AgentorDecoder._engine_call,
    "tool_result": AgentorDecoder._engine_result,
    "run_end": AgentorDecoder._run_end,
    "error": AgentorDecoder._failure,
    "fork": AgentorDecoder._fork,
}
