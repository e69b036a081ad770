"""The small vocabulary of many a FastAPI tutorial: `status`, `token`, `tool_result`, `done`.

Items are `{"type": "status" or "token", "content"}`, `{"type": "tool_result", "tool", "content"}` and `{"type": "done"}`; some
add `tool_call` with `tool` and `args`, `thinking` and `error`.

What it cannot say: ids, arguments, usage, approvals, agents. That a tool begins it says as a status, "Using search...", at
most.
"""

import re
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields, fields_or_empty, nonempty_str, str_field, to_jsonable

_USING = re.compile(r"(?:Using|Calling|Running)(?: tool)? ([\w.-]+?)(?:\.\.\.|…)")
_TALK = {"token", "thinking", "reasoning"}
_TOOL = {"tool_call", "tool_start", "tool_result", "tool_end"}


class StatusTokensDecoder(BaseDecoder):
    """Status, token and tool items to events."""

    system: ClassVar[str] = "status.tokens"

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item has one of the vocabulary's types, and the field that goes with it."""
        payload = fields_or_empty(item)
        kind = str_field(payload, "type")
        if kind in _TOOL:
            return isinstance(payload.get("tool"), str) and set(payload) <= {
                "type",
                "tool",
                "content",
                "args",
                "input",
                "result",
            }
        if kind == "done":
            return set(payload) <= {"type", "content"}
        return kind in _TALK | {"status"} and isinstance(payload.get("content"), str) and set(payload) <= {"type", "content"}

    def read(self, item: Any) -> None:
        """One item."""
        if item == "[DONE]":
            return
        payload = fields(item)
        kind, builder = str_field(payload, "type"), self.builder
        content = payload.get("content", payload.get("message"))
        builder.begin()
        if kind == "token":
            builder.end_thought("thought")
            self._in_step()
            builder.text("text", nonempty_str(content) or "")
        elif kind in _TALK:
            self._in_step()
            builder.thought("thought", nonempty_str(content) or "")
        elif kind == "status":
            self._status(nonempty_str(content) or "")
        elif kind in _TOOL:
            self._tool(str(kind), str_field(payload, "tool") or str_field(payload, "name") or "tool", payload)
        elif kind == "error":
            self.fail(nonempty_str(content) or str_field(payload, "error") or "")
        elif kind == "done":
            if self.stop_info.status != "failed":
                self.stop_info = StopInfo("completed")
            builder.end_step()
        else:
            builder.raw(item, nonempty_str(kind))

    def _in_step(self) -> None:
        if not self.builder.in_step:
            self.builder.start_step()

    def _status(self, message: str) -> None:
        """What goes on; or, for want of a better sign, the beginning of a tool call."""
        named = _USING.fullmatch(message.strip())
        if named:
            self._in_step()
            self.builder.start_tool(named[1], named[1])
        elif message:
            self.builder.write(ev.Status(message=message, **self.builder.envelope))

    def _tool(self, kind: str, name: str, payload: Any) -> None:
        self._in_step()
        block = self.builder.tool(name)
        starts = kind in ("tool_call", "tool_start")
        if block is None or (starts and block.whole):
            block = self.builder.start_tool(name, name)
        args = payload.get("args", payload.get("input"))
        if args is not None:
            self.builder.tool_args(block, args=to_jsonable(args))
        if not starts:
            self.builder.tool_args(block)
            self.builder.tool_result(block, payload.get("content", payload.get("result")))
