"""The small vocabulary of many a FastAPI tutorial: `status`, `token`, `tool_result`, `done`.

Items are `{"type": "status" or "token", "content"}`, `{"type": "tool_result", "tool", "content"}` and `{"type": "done"}`; some
add `tool_call` with `tool` and `args`, `thinking` and `error`.

What it cannot say: ids, arguments, usage, approvals, agents. That a tool begins it says as a status, "Using search...", at
most.
"""

import re
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields, fields_or_none, plain, string

_USING = re.compile(r"(?:Using|Calling|Running)(?: tool)? ([\w.-]+?)(?:\.\.\.|…)")
_TALK = {"token", "thinking", "reasoning"}
_TOOL = {"tool_call", "tool_start", "tool_result", "tool_end"}


class StatusTokensDecoder(BaseDecoder):
    """Status, token and tool items to events."""

    system: ClassVar[str] = "status.tokens"

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item has one of the vocabulary's types, and the field that goes with it."""
        said = fields_or_none(item)
        kind = string(said.get("type"))
        if kind in _TOOL:
            return isinstance(said.get("tool"), str) and set(said) <= {"type", "tool", "content", "args", "input", "result"}
        if kind == "done":
            return set(said) <= {"type", "content"}
        return kind in _TALK | {"status"} and isinstance(said.get("content"), str) and set(said) <= {"type", "content"}

    def read(self, item: Any) -> None:
        """One item."""
        if item == "[DONE]":
            return
        said = fields(item)
        kind, book = string(said.get("type")), self.book
        content = said.get("content", said.get("message"))
        book.begin()
        if kind == "token":
            book.end_thought("thought")
            self._in_step()
            book.text("text", string(content) or "")
        elif kind in _TALK:
            self._in_step()
            book.thought("thought", string(content) or "")
        elif kind == "status":
            self._status(string(content) or "")
        elif kind in _TOOL:
            self._tool(str(kind), string(said.get("tool")) or string(said.get("name")) or "tool", said)
        elif kind == "error":
            self.fail(string(content) or string(said.get("error")) or "")
        elif kind == "done":
            if self.verdict.status != "failed":
                self.verdict = Verdict("completed")
            book.end_step()
        else:
            book.raw(item, string(kind))

    def _in_step(self) -> None:
        if not self.book.in_step:
            self.book.start_step()

    def _status(self, message: str) -> None:
        """What goes on; or, for want of a better sign, the beginning of a tool call."""
        named = _USING.fullmatch(message.strip())
        if named:
            self._in_step()
            self.book.start_tool(named[1], named[1])
        elif message:
            self.book.write(ev.Status(message=message, **self.book.stamp))

    def _tool(self, kind: str, name: str, said: Any) -> None:
        self._in_step()
        block = self.book.tool(name)
        starts = kind in ("tool_call", "tool_start")
        if block is None or (starts and block.whole):
            block = self.book.start_tool(name, name)
        args = said.get("args", said.get("input"))
        if args is not None:
            self.book.tool_args(block, args=plain(args))
        if not starts:
            self.book.tool_args(block)
            self.book.tool_result(block, said.get("content", said.get("result")))
