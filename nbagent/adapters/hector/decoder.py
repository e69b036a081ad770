"""Hector: the chunks of its documentation, its own "AG-UI" dialect, and, through `a2a`, both of its versions of A2A.

Sources: https://github.com/kadirpekel/hector, `docs/core-concepts/streaming.md` and `pkg/agui/proto/agui.proto` at 7bc71ac
(version 1), `pkg/server` at 41134591 (version 2). The dialect (`?format=agui`) has little of AG-UI but the name. Frames with an
`event:` name may come as `{"event": name, "data": payload}`; all are known without it, too, `done` by its empty payload.

It cannot say: tokens, models, finish reasons; the documented chunks also nothing of a tool but its name, its arguments as text,
and that it was called: what it returned is part of the text.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.a2a.decoder import A2ADecoder
from nbagent.adapters.base.decoder import Verdict
from nbagent.adapters.base.fields import fields_or_none, plain, string
from nbagent.adapters.base.payload import frame_of, peek, wire

_DIALECT = "AGUI_EVENT_TYPE_"
_MARK = "[Tool: "
_TOOL_LINE = re.compile(r"\[Tool: ([^\s(\]]+)\((.*)\)\]\s*", re.DOTALL)
_LINE_LIMIT = 64 * 1024
_TEXT = "answer"


def _is_grpc_chunk(item: Any) -> bool:
    """Whether the item is a response of the documented gRPC method `StreamMessage`: a message with `content`."""
    return hasattr(item, "DESCRIPTOR") and isinstance(getattr(item, "content", None), str)


class HectorDecoder(A2ADecoder):
    """Whatever a Hector server sends."""

    system: ClassVar[str] = "hector"

    def __init__(self) -> None:
        super().__init__()
        self._held = ""  # the beginning of a line that may tell of a tool
        self._at_line_start = True

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is a chunk of the documentation, an event of the dialect, or an error frame with its name."""
        if isinstance(item, str):
            return item.lstrip().startswith('{"chunk"')
        if _is_grpc_chunk(item):
            return True
        frame, said = frame_of(item), peek(item)
        if set(said) == {"chunk"}:
            return isinstance(said["chunk"], str)
        if str(said.get("type")).startswith(_DIALECT):
            return True
        return frame.name == "error" and isinstance(said.get("error"), Mapping) and set(said) == {"error"}

    def read(self, item: Any) -> None:
        """One frame, or several that a strict reader took for one: the documentation puts no empty line between them."""
        frame = frame_of(item)
        if isinstance(frame.data, str):
            for line in filter(str.strip, frame.data.splitlines()):
                self._line(line.strip())
            return
        if _is_grpc_chunk(item):
            self._chunk(item.content)
            self.verdict = Verdict("completed")  # a call that breaks says so: one that just ends is whole
            return
        said = wire(frame.data)
        kind = string(said.get("type")) or ""
        if set(said) == {"chunk"}:
            self._chunk(said["chunk"])
        elif kind.startswith(_DIALECT):
            self._dialect(kind.removeprefix(_DIALECT), said)
        else:
            super().read(item)

    # --- the chunks of the documentation --------------------------------------------------------------------------------

    def _line(self, line: str) -> None:
        if line == "[DONE]":
            self._release()
            self.done()
            return
        try:
            payload = json.loads(line)
        except ValueError:
            payload = None
        if isinstance(payload, dict):
            self.read(payload)
        else:
            self.book.raw(line)

    def _chunk(self, text: str) -> None:
        """More of the answer. Lines such as `[Tool: name(args)]` are held back until they are whole."""
        if not self.book.in_step:
            self.book.start_step()
        for line in re.split(r"(?<=\n)", text):
            if not self._held and not self._at_line_start:
                self._say(line)
                continue
            self._held += line
            whole = line.endswith("\n")
            if self._held.startswith(_MARK) and not whole and len(self._held) < _LINE_LIMIT:
                continue
            if whole or not _MARK.startswith(self._held):
                self._release()

    def _say(self, text: str) -> None:
        if text:
            self.book.text(_TEXT, text)
            self._at_line_start = text.endswith("\n")

    def _release(self) -> None:
        """What was held back is a tool's line, or text like any other."""
        held, self._held = self._held, ""
        found = _TOOL_LINE.fullmatch(held)
        if found is None:
            self._say(held)
            return
        self._at_line_start = True
        self.book.end_text(_TEXT)
        name, arguments = found.groups()
        self.book.tool_args(self.book.start_tool(self.book.mint("call"), name), arguments, free=True)

    def finish(self) -> None:
        """A line that never ended is told as it is."""
        self._release()
        super().finish()

    # --- the dialect ----------------------------------------------------------------------------------------------------

    def _dialect(self, kind: str, said: Mapping[str, Any]) -> None:
        """One event: its payload is under the camel-case name of its type."""
        first, *rest = kind.lower().split("_")
        body = fields_or_none(said.get(first + "".join(word.title() for word in rest)))
        match kind.rsplit("_", 1):
            case "TASK", word:
                self._task_event(word, body)
            case "TOOL_CALL", word:
                self._tool_event(word, body)
            case "THINKING", word:
                key = ("thought", body.get("thinkingId"))
                match word:
                    case "START":
                        self.book.start_thought(key)
                    case "DELTA":
                        self.book.thought(key, body["delta"])
                    case _:
                        self.book.end_thought(key, signature=string(body.get("signature")))
            case ("CONTENT_BLOCK" | "MESSAGE") as of, word:
                key = (of, body.get("blockId" if of == "CONTENT_BLOCK" else "messageId"))
                if word == "DELTA":
                    self.parts.text(key, body["delta"])
                elif word == "STOP":
                    self.book.end_text(key)
            case _:
                self.book.raw(said, kind)

    def _tool_event(self, word: str, body: Mapping[str, Any]) -> None:
        call_id = string(body.get("toolCallId")) or ""
        block = self.parts.calls.get(call_id)
        if word == "START" or block is None:
            self.book.settle()
            block = self.book.start_tool(call_id, string(body.get("toolName")) or "tool", call_id=call_id or None)
            self.parts.calls[call_id] = block
            if body.get("input"):
                self.book.tool_args(block, args=body["input"])
        if word == "DELTA":
            self.book.tool_delta(block, body["partialInput"])
        elif word == "STOP":
            self.book.tool_args(block, "".join(block.pieces), args=body.get("finalInput") or None)
            error = string(body.get("error"))
            failed = bool(error) or body.get("isError") is True
            self.parts.result(call_id, body.get("result"), error, failed=failed)

    def _task_event(self, word: str, body: Mapping[str, Any]) -> None:
        match word:
            case "START":
                self.book.begin(thread_id=string(body.get("contextId")))
            case "ERROR":
                self.fail_with({"message": body.get("errorMessage"), "code": body.get("errorCode")})
            case "COMPLETE":
                self.book.settle()
                if body.get("result"):
                    self.book.write(ev.Custom(name="result", data=plain(body["result"]), **self.book.stamp))
                if self.verdict.status != "failed":
                    self.verdict = Verdict("completed", "completed")
            case _:
                self._status({"status": {"state": body.get("status")}, "metadata": body.get("metadata")})
