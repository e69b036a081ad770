"""Decoder of the status/token vocabulary that FastAPI chat tutorials use; it has no specification.

Items are `{"type": "status" or "token", "content"}`, `{"type": "tool_result", "tool", "content"}` and `{"type": "done"}`. Some
servers add `tool_call` with `tool` and `args`, `thinking` and `error`.

The format has no ids, arguments, usage, approvals or agents. A tool call often starts as a status only: "Using search...".
"""

import re
from typing import Any, ClassVar

from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields, fields_or_empty, nonempty_str, str_field, to_jsonable

_TOOL_STATUS = re.compile(r"(?:Using|Calling|Running)(?: tool)? ([\w.-]+?)(?:\.\.\.|…)")
_TEXT_TYPES = {"token", "thinking", "reasoning"}
_TOOL_TYPES = {"tool_call", "tool_start", "tool_result", "tool_end"}
_TOOL_FIELDS = {"type", "tool", "content", "args", "input", "result"}


class StatusTokensDecoder(BaseDecoder):
    """Decoder of status, token and tool items."""

    system: ClassVar[str] = "status.tokens"

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item has one of the types and no field that the type does not have."""
        payload = fields_or_empty(item)
        kind = str_field(payload, "type")
        if kind in _TOOL_TYPES:
            return isinstance(payload.get("tool"), str) and set(payload) <= _TOOL_FIELDS
        if kind == "done":
            return set(payload) <= {"type", "content"}
        return (
            kind in _TEXT_TYPES | {"status"} and isinstance(payload.get("content"), str) and set(payload) <= {"type", "content"}
        )

    def read(self, item: Any) -> None:
        """Read one item."""
        if item == "[DONE]":
            return
        payload = fields(item)
        kind, builder = str_field(payload, "type"), self.builder
        content = payload.get("content", payload.get("message"))
        builder.begin()
        if kind == "token":
            builder.end_reasoning("reasoning")
            self._ensure_step()
            builder.text("text", nonempty_str(content) or "")
        elif kind in _TEXT_TYPES:
            self._ensure_step()
            builder.reasoning("reasoning", nonempty_str(content) or "")
        elif kind == "status":
            self._status(nonempty_str(content) or "")
        elif kind in _TOOL_TYPES:
            self._tool(str(kind), str_field(payload, "tool") or str_field(payload, "name") or "tool", payload)
        elif kind == "error":
            self.fail(nonempty_str(content) or str_field(payload, "error") or "")
        elif kind == "done":
            if self.stop_info.status != "failed":
                self.stop_info = StopInfo("completed")
            builder.end_step()
        else:
            builder.raw(item, nonempty_str(kind))

    def _ensure_step(self) -> None:
        if not self.builder.in_step:
            self.builder.start_step()

    def _status(self, message: str) -> None:
        """Write a status line, or start a tool call if the line announces one."""
        named = _TOOL_STATUS.fullmatch(message.strip())
        if named:
            self._ensure_step()
            self.builder.start_tool(named[1], named[1])
        elif message:
            self.builder.status(message)

    def _tool(self, kind: str, name: str, payload: Any) -> None:
        self._ensure_step()
        block = self.builder.tool(name)
        starts = kind in ("tool_call", "tool_start")
        if block is None or (starts and block.args_complete):
            block = self.builder.start_tool(name, name)
        args = payload.get("args", payload.get("input"))
        if args is not None:
            self.builder.tool_args(block, args=to_jsonable(args))
        if not starts:
            self.builder.tool_args(block)
            self.builder.tool_result(block, payload.get("content", payload.get("result")))
