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
from nbagent.adapters.base.decoder import StopInfo
from nbagent.adapters.base.fields import fields_or_empty, str_field, to_jsonable
from nbagent.adapters.base.payload import frame_of, to_wire_dict, try_wire_dict

_DIALECT = "AGUI_EVENT_TYPE_"
_MARK = "[Tool: "
_TOOL_LINE = re.compile(r"\[Tool: ([^\s(\]]+)\((.*)\)\]\s*", re.DOTALL)
_LINE_LIMIT = 64 * 1024
_TEXT = "answer"


def _is_grpc_chunk(item: Any) -> bool:
    """Return True if the item is a response of the documented gRPC method `StreamMessage`: a message with `content`."""
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
        """Return True if the item is a chunk of the documentation, an event of the dialect, or an error frame with its name."""
        if isinstance(item, str):
            return item.lstrip().startswith('{"chunk"')
        if _is_grpc_chunk(item):
            return True
        frame, payload = frame_of(item), try_wire_dict(item)
        if set(payload) == {"chunk"}:
            return isinstance(payload["chunk"], str)
        if str(payload.get("type")).startswith(_DIALECT):
            return True
        return frame.name == "error" and isinstance(payload.get("error"), Mapping) and set(payload) == {"error"}

    def read(self, item: Any) -> None:
        """One frame, or several that a strict reader took for one: the documentation puts no empty line between them."""
        frame = frame_of(item)
        if isinstance(frame.data, str):
            for line in filter(str.strip, frame.data.splitlines()):
                self._line(line.strip())
            return
        if _is_grpc_chunk(item):
            self._chunk(item.content)
            self.stop_info = StopInfo("completed")  # a call that breaks says so: one that just ends is whole
            return
        payload = to_wire_dict(frame.data)
        kind = str_field(payload, "type") or ""
        if set(payload) == {"chunk"}:
            self._chunk(payload["chunk"])
        elif kind.startswith(_DIALECT):
            self._dialect(kind.removeprefix(_DIALECT), payload)
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
            self.builder.raw(line)

    def _chunk(self, text: str) -> None:
        """More of the answer. Lines such as `[Tool: name(args)]` are held back until they are whole."""
        if not self.builder.in_step:
            self.builder.start_step()
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
            self.builder.text(_TEXT, text)
            self._at_line_start = text.endswith("\n")

    def _release(self) -> None:
        """What was held back is a tool's line, or text like any other."""
        held, self._held = self._held, ""
        found = _TOOL_LINE.fullmatch(held)
        if found is None:
            self._say(held)
            return
        self._at_line_start = True
        self.builder.end_text(_TEXT)
        name, arguments = found.groups()
        self.builder.tool_args(self.builder.start_tool(self.builder.mint("call"), name), arguments, free=True)

    def finish(self) -> None:
        """A line that never ended is told as it is."""
        self._release()
        super().finish()

    # --- the dialect ----------------------------------------------------------------------------------------------------

    def _dialect(self, kind: str, payload: Mapping[str, Any]) -> None:
        """One event: its payload is under the camel-case name of its type."""
        first, *rest = kind.lower().split("_")
        body = fields_or_empty(payload.get(first + "".join(word.title() for word in rest)))
        match kind.rsplit("_", 1):
            case "TASK", word:
                self._task_event(word, body)
            case "TOOL_CALL", word:
                self._tool_event(word, body)
            case "THINKING", word:
                key = ("thought", body.get("thinkingId"))
                match word:
                    case "START":
                        self.builder.start_thought(key)
                    case "DELTA":
                        self.builder.thought(key, body["delta"])
                    case _:
                        self.builder.end_thought(key, signature=str_field(body, "signature"))
            case ("CONTENT_BLOCK" | "MESSAGE") as of, word:
                key = (of, body.get("blockId" if of == "CONTENT_BLOCK" else "messageId"))
                if word == "DELTA":
                    self.parts.text(key, body["delta"])
                elif word == "STOP":
                    self.builder.end_text(key)
            case _:
                self.builder.raw(payload, kind)

    def _tool_event(self, word: str, body: Mapping[str, Any]) -> None:
        call_id = str_field(body, "toolCallId") or ""
        block = self.parts.calls.get(call_id)
        if word == "START" or block is None:
            self.builder.end_texts_and_thoughts()
            block = self.builder.start_tool(call_id, str_field(body, "toolName") or "tool", call_id=call_id or None)
            self.parts.calls[call_id] = block
            if body.get("input"):
                self.builder.tool_args(block, args=body["input"])
        if word == "DELTA":
            self.builder.tool_delta(block, body["partialInput"])
        elif word == "STOP":
            self.builder.tool_args(block, "".join(block.args_pieces), args=body.get("finalInput") or None)
            error = str_field(body, "error")
            failed = bool(error) or body.get("isError") is True
            self.parts.result(call_id, body.get("result"), error, failed=failed)

    def _task_event(self, word: str, body: Mapping[str, Any]) -> None:
        match word:
            case "START":
                self.builder.begin(thread_id=str_field(body, "contextId"))
            case "ERROR":
                self.fail_with({"message": body.get("errorMessage"), "code": body.get("errorCode")})
            case "COMPLETE":
                self.builder.end_texts_and_thoughts()
                if body.get("result"):
                    self.builder.write(ev.Custom(name="result", data=to_jsonable(body["result"]), **self.builder.envelope))
                if self.stop_info.status != "failed":
                    self.stop_info = StopInfo("completed", "completed")
            case _:
                self._status({"status": {"state": body.get("status")}, "metadata": body.get("metadata")})
