"""Decoder of the status/token vocabulary that FastAPI chat tutorials use; it has no specification.

Items are `{"type": "status" or "token", "content"}`, `{"type": "tool_result", "tool", "content"}`
and `{"type": "done"}`. Some servers add `tool_call` with `tool` and `args`, `thinking` and `error`.
The agents behind such servers give `{"type": "text_delta", "text"}`, `tool_call` with `tool_name`,
and `tool_result` with `tool_name` and `result`, without an end: a stream of these is complete when
its iterator ends.

The format has no ids, arguments, usage, approvals or agents. A tool call often starts as a status
only: "Using search...".
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent.adapters.base.block import block_id
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    fields,
    fields_or_empty,
    nonempty_str,
    str_field,
)
from nbagent.adapters.base.served_question import request_of

_TOOL_STATUS = re.compile(r"(?:Using|Calling|Running)(?: tool)? ([\w.-]+?)(?:\.\.\.|…)")
_CONTENT = ("content", "message")
_TEXT_TYPES = {"token", "thinking", "reasoning"}
_TOOL_TYPES = {"tool_call", "tool_start", "tool_result", "tool_end"}
_TOOL_FIELDS = {"type", "tool", "content", "args", "input", "result"}
_AGENT_FIELDS = {"text_delta": {"type", "text"}, "tool_call": {"type", "tool_name", "args"}} | {
    "tool_result": {"type", "tool_name", "result"}
}


class StatusTokensDecoder(BaseDecoder):
    """Decoder of status, token and tool items."""

    system: ClassVar[str] = "status.tokens"

    def __init__(self) -> None:
        super().__init__()
        self._has_no_end = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item has one of the types and no field that the type does not have."""
        payload = fields_or_empty(item)
        kind = str_field(payload, "type")
        if _is_of_agent(payload):
            return True
        if kind in _TOOL_TYPES:
            return isinstance(payload.get("tool"), str) and set(payload) <= _TOOL_FIELDS
        if kind == "done":
            return set(payload) <= {"type", "content"}
        return (
            kind in _TEXT_TYPES | {"status"}
            and isinstance(payload.get("content"), str)
            and set(payload) <= {"type", "content"}
        )

    def read(self, item: Any) -> None:
        """Read one item."""
        if item == "[DONE]":
            return
        payload = fields(item)
        kind = str_field(payload, "type", default="")
        self.builder.begin()
        if _is_of_agent(payload):
            self._has_no_end = True
        if kind in self._READERS:
            self._READERS[kind](self, payload)
        else:
            self.builder.raw(item, nonempty_str(kind))

    def _text(self, payload: Mapping[str, Any]) -> None:
        self.builder.end_reasoning("reasoning")
        self.builder.need_step()
        self.builder.text("text", str_field(payload, *_CONTENT, "text", default=""))

    def _reasoning(self, payload: Mapping[str, Any]) -> None:
        self.builder.need_step()
        self.builder.reasoning("reasoning", str_field(payload, *_CONTENT, default=""))

    def _error(self, payload: Mapping[str, Any]) -> None:
        self.fail(str_field(payload, *_CONTENT, "error", default=""))

    def _done(self, payload: Mapping[str, Any]) -> None:
        if self.stop_info.status != "failed":
            self.stop_info = StopInfo("completed")
        self.builder.end_step()

    def _status_or_question(self, payload: Mapping[str, Any]) -> None:
        if "question" in payload:
            self._question(payload)
        else:
            self._status(str_field(payload, *_CONTENT, default=""))

    def _question(self, payload: Mapping[str, Any]) -> None:
        """Write the question of a run that nbagent serves; the status has its words, for other
        clients.
        """
        question = payload["question"]
        call = self.builder.oldest_unanswered(str_field(fields_or_empty(question), "tool"))
        request = request_of(question, block_id(call))
        if request is None:
            self._status(str_field(payload, *_CONTENT, default=""))
        else:
            self.builder.write(request)

    def _status(self, message: str) -> None:
        """Write a status line, or start a tool call if the line announces one."""
        named = _TOOL_STATUS.fullmatch(message.strip())
        if named:
            self.builder.need_step()
            self.builder.start_tool(self.builder.mint("call"), named[1])
        elif message:
            self.builder.status(message)

    def _tool(self, payload: Mapping[str, Any]) -> None:
        self.builder.need_step()
        name = str_field(payload, "tool", "tool_name", "name")
        starts = payload["type"] in ("tool_call", "tool_start")
        open_calls = self.builder.unanswered(name)
        if starts:
            open_calls = [block for block in open_calls if not block.args_complete]
        if open_calls:
            block = open_calls[0]
        else:
            block = self.builder.start_tool(self.builder.mint("call"), name)
        self.builder.tool_args(block, args=payload.get("args", payload.get("input")))
        if not starts:
            self.builder.tool_result(block, payload.get("content", payload.get("result")))

    _READERS: ClassVar[dict[str, Any]] = {
        "token": _text,
        "text_delta": _text,
        "thinking": _reasoning,
        "reasoning": _reasoning,
        "status": _status_or_question,
        "error": _error,
        "done": _done,
        **dict.fromkeys(_TOOL_TYPES, _tool),
    }

    def finish(self) -> None:
        """End the response.

        Where the format has no end, it is complete if no call is unanswered.
        """
        if self._has_no_end and not self.builder.unanswered():
            self.complete()
        super().finish()


def _is_of_agent(payload: Mapping[str, Any]) -> bool:
    """Return True if the fields are those of an agent's event, of which a server makes the items of
    this format.
    """
    kind = str_field(payload, "type", default="")
    name = "text" if kind == "text_delta" else "tool_name"
    return isinstance(payload.get(name), str) and set(payload) <= _AGENT_FIELDS.get(kind, set())
