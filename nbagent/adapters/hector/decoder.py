"""Decoder of Hector: the chunks of its documentation, its own "AG-UI" dialect, and A2A through the
A2A decoder.

Format: https://github.com/kadirpekel/hector, `docs/core-concepts/streaming.md` and
`pkg/agui/proto/agui.proto` at 7bc71ac (version 1), `pkg/server` at 41134591 (version 2). The
dialect (`?format=agui`) shares little with AG-UI except its name. Frames may come as `{"event":
name, "data": payload}`; the name is not needed, and `done` is the frame with an empty payload.

The formats have no tokens, models or finish reasons. The documented chunks have only a tool's name
and its arguments as text. The server runs the tool before it goes on, so a call has its result when
more text comes: the line after it that begins with "Output:", or none. Other output is not marked,
and stays text. Clients print the chunks as they come, so a line end is a line break. Over a
WebSocket the chunks have no last word but the close.
"""

import ast
import json
import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

import msgspec

from nbagent.adapters.a2a.decoder import A2ADecoder
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import StopInfo
from nbagent.adapters.base.fields import fields_or_empty, str_field
from nbagent.adapters.base.payload import frame_of, to_wire_dict, try_wire_dict
from nbagent.adapters.base.served_question import request_of

_DIALECT_PREFIX = "AGUI_EVENT_TYPE_"
_TOOL_LINE_START = "[Tool: "
_OUTPUT_LINE_START = "Output:"
_TOOL_LINE = re.compile(r"\[Tool: ([^\s(\]]+)\((.*)\)\]\s*", re.DOTALL)
_MAX_LINE_CHARS = 64 * 1024
_MAX_PARSED_CHARS = 4096  # of arguments that are no JSON
_TEXT_KEY = "answer"
_THOUGHT_KEY = "thought"


def _is_grpc_chunk(item: Any) -> bool:
    """Return True if the item is a response of the documented gRPC method `StreamMessage`: a
    message with `content`.
    """
    return hasattr(item, "DESCRIPTOR") and isinstance(getattr(item, "content", None), str)


class HectorDecoder(A2ADecoder):
    """Decoder of chunks, dialect events and A2A frames of a Hector server."""

    system: ClassVar[str] = "hector"

    def __init__(self) -> None:
        super().__init__()
        self._partial_line = ""  # start of a line that may be about a tool
        self._at_line_start = True
        self._running: Block | None = None  # the call that the server runs
        self._is_only_chunks = True

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a chunk of the documentation, an event of the dialect, or an
        error frame with its name.
        """
        if isinstance(item, str):
            return item.lstrip().startswith('{"chunk"')
        if _is_grpc_chunk(item):
            return True
        frame, payload = frame_of(item), try_wire_dict(item)
        if set(payload) in ({"chunk"}, {"chunk", "question"}):
            return isinstance(payload["chunk"], str)
        if frame.name == "thinking" and set(payload) == {"thinking"}:
            return isinstance(payload["thinking"], str)
        if str(payload.get("type")).startswith(_DIALECT_PREFIX):
            return True
        return (
            frame.name == "error"
            and isinstance(payload.get("error"), Mapping)
            and set(payload) == {"error"}
        )

    def read(self, item: Any) -> None:
        """Read one frame, or several in one item: the documented stream has no empty lines between
        its frames.

        Recording: hector/constructed-doc-chunks.
        """
        frame = frame_of(item)
        if isinstance(frame.data, str):
            for line in filter(str.strip, frame.data.splitlines()):
                self._line(line.strip())
            return
        if _is_grpc_chunk(item):
            self._chunk(item.content)
            # gRPC raises if a call breaks: one that ends is complete
            self.stop_info = StopInfo("completed")
            return
        payload = to_wire_dict(frame.data)
        kind = str_field(payload, "type", default="")
        if set(payload) == {"chunk"}:
            self._chunk(payload["chunk"])
            return
        if set(payload) == {"chunk", "question"}:
            self._question(payload)
            return
        if set(payload) == {"thinking"}:
            self._think(payload["thinking"])
            return
        self._is_only_chunks = False
        if kind.startswith(_DIALECT_PREFIX):
            self._dialect(kind.removeprefix(_DIALECT_PREFIX), payload)
        else:
            super().read(item)

    # --- the chunks of the documentation ---

    def _line(self, line: str) -> None:
        if line == "[DONE]":
            self._flush_line()
            self._end_call()
            self.done()
            if self._understood:  # a WebSocket stays open for the next prompt
                self.stream_outlives_run = True
                self.end_response()
                self.builder.end(self.stop_info.status, code=self.stop_info.code)
            return
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if isinstance(event, dict):
            self.read(event)
        else:
            self.builder.raw(line)

    def _chunk(self, text: str) -> None:
        """Append to the answer.

        Lines such as `[Tool: name(args)]` are kept back until they are complete.
        """
        self.builder.need_step()
        for line in re.split(r"(?<=\n)", text):
            if not self._partial_line and not self._at_line_start:
                self._write_text(line)
                continue
            self._partial_line += line
            if line.endswith("\n") or not self._may_become_call():
                self._flush_line()

    def _may_become_call(self) -> bool:
        """Return True if the kept line is, or may become, one that tells of a call."""
        starts = [_TOOL_LINE_START]
        if self._running:
            starts.append(_OUTPUT_LINE_START)
        if self._partial_line.startswith(tuple(starts)):
            return len(self._partial_line) < _MAX_LINE_CHARS
        return any(start.startswith(self._partial_line) for start in starts)

    def _think(self, text: str) -> None:
        """Append to the reasoning, which the streams of nbagent have under a name of its own."""
        self.builder.need_step()
        self.builder.start_reasoning(_THOUGHT_KEY)
        self.builder.reasoning(_THOUGHT_KEY, text)

    def _question(self, payload: Mapping[str, Any]) -> None:
        """Write the question of a run that nbagent serves; the chunk has its words, for other
        clients.
        """
        self._flush_line()
        request = request_of(
            payload["question"], None if self._running is None else self._running.id
        )
        if request is None:
            self._chunk(payload["chunk"])
        else:
            self.builder.write(msgspec.structs.replace(request, **self.builder.envelope))

    def _write_text(self, text: str) -> None:
        if text:
            self._end_call()
            self.builder.end_reasoning(_THOUGHT_KEY)
            self.builder.start_text(_TEXT_KEY, line_breaks=True)
            self.builder.text(_TEXT_KEY, text)
            self._at_line_start = text.endswith("\n")

    def _flush_line(self) -> None:
        """Write the kept line: as a tool call, as the result of the call before it, or as text."""
        line, self._partial_line = self._partial_line, ""
        found = _TOOL_LINE.fullmatch(line)
        if found is not None:
            self._at_line_start = True
            self._end_call()
            self.builder.end_text(_TEXT_KEY)
            self.builder.end_reasoning(_THOUGHT_KEY)
            self._running = self._written_call(*found.groups())
        elif self._running is not None and line.startswith(_OUTPUT_LINE_START):
            self._at_line_start = True
            self._end_call(_output_of(line.removeprefix(_OUTPUT_LINE_START).strip()))
        else:
            self._write_text(line)

    def _written_call(self, name: str, arguments: str) -> Block:
        """Return a new call, whose arguments are written in parentheses."""
        block = self.builder.start_tool(self.builder.mint("call"), name)
        if arguments.strip():
            parsed = _parse_arguments(arguments)
            self.builder.tool_args(block, arguments, args=parsed, free=True)
        else:
            self.builder.tool_args(block, arguments)
        return block

    def _end_call(self, result: str | None = None) -> None:
        """End the call that the server ran."""
        block, self._running = self._running, None
        if block is not None:
            self.builder.tool_result(block, result)

    def closed(self) -> None:
        """Complete the run if it has chunks only."""
        self._flush_line()
        if self._is_only_chunks and self.stop_info.status == "incomplete":
            self._end_call()
            self.stop_info = StopInfo("completed")

    def finish(self) -> None:
        """End the response, and write a line that never ended."""
        self._flush_line()
        super().finish()

    # --- the dialect ---

    def _dialect(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Read one event. Its body is under the camelCase name of its type."""
        first, *rest = kind.lower().split("_")
        body = fields_or_empty(payload.get(first + "".join(part.title() for part in rest)))
        scope, _, phase = kind.rpartition("_")
        reader = _DIALECT.get(scope)
        if reader is None:
            self.builder.raw(payload, kind)
        else:
            reader(self, phase, body)

    def _thinking_event(self, phase: str, body: Mapping[str, Any]) -> None:
        key = ("reasoning", body.get("thinkingId"))
        if phase == "START":
            self.builder.start_reasoning(key)
        elif phase == "DELTA":
            self.builder.reasoning(key, body["delta"])
        else:
            self.builder.end_reasoning(key, signature=str_field(body, "signature"))

    def _content_event(self, phase: str, body: Mapping[str, Any]) -> None:
        self._text_event(phase, ("CONTENT_BLOCK", body.get("blockId")), body)

    def _message_event(self, phase: str, body: Mapping[str, Any]) -> None:
        self._text_event(phase, ("MESSAGE", body.get("messageId")), body)

    def _text_event(self, phase: str, key: Hashable, body: Mapping[str, Any]) -> None:
        if phase == "DELTA":
            self.parts.text(key, body["delta"])
        elif phase == "STOP":
            self.builder.end_text(key)

    def _tool_event(self, phase: str, body: Mapping[str, Any]) -> None:
        call_id, name = str_field(body, "toolCallId"), str_field(body, "toolName")
        block = self.builder.call_of_result(self.parts.calls, call_id, name)
        if phase == "START" or block is None:
            block = self._start_call(call_id, name, body.get("input"))
        if phase == "DELTA":
            self.builder.tool_delta(block, body["partialInput"])
        elif phase == "STOP":
            self.builder.tool_args(
                block, "".join(block.args_pieces), args=body.get("finalInput") or None
            )
            error = str_field(body, "error")
            failed = bool(error) or body.get("isError") is True
            self.parts.result(call_id, body.get("result"), error, failed=failed, name=name)

    def _start_call(self, call_id: str | None, name: str | None, args: Any) -> Block:
        self.builder.end_texts_and_reasoning()
        key = call_id or self.builder.mint("call")
        block = self.builder.start_tool(key, name, call_id=call_id)
        self.parts.calls[key] = block
        if args:
            self.builder.tool_args(block, args=args)
        return block

    def _task_event(self, phase: str, body: Mapping[str, Any]) -> None:
        if phase == "START":
            self.builder.begin(thread_id=str_field(body, "contextId"))
        elif phase == "ERROR":
            self.fail_with({"message": body.get("errorMessage"), "code": body.get("errorCode")})
        elif phase == "COMPLETE":
            self._complete_task(body.get("result"))
        else:
            self._status(
                {"status": {"state": body.get("status")}, "metadata": body.get("metadata")}
            )

    def _complete_task(self, result: Any) -> None:
        self.builder.end_texts_and_reasoning()
        if result:
            self.builder.custom("result", result)
        if self.stop_info.status != "failed":
            self.stop_info = StopInfo("completed", "completed")


_DIALECT: dict[str, Callable[[HectorDecoder, str, Mapping[str, Any]], None]] = {
    "TASK": HectorDecoder._task_event,
    "TOOL_CALL": HectorDecoder._tool_event,
    "THINKING": HectorDecoder._thinking_event,
    "CONTENT_BLOCK": HectorDecoder._content_event,
    "MESSAGE": HectorDecoder._message_event,
}
"""Readers of the dialect's events, by their name without the phase."""


def _output_of(text: str) -> str:
    """Return a tool's output. One that is not a single line is JSON in the streams of nbagent."""
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))  # what begins so is a string or no JSON
    except ValueError:
        return text


def _parse_arguments(text: str) -> Any:
    """Return the arguments of a call in parentheses: an object, a list of values, or None if they
    cannot be read.
    """
    try:
        values = json.loads(f"[{text}]")
    except (ValueError, RecursionError):
        return _python_arguments(text)
    if len(values) == 1 and isinstance(values[0], dict):
        return values[0]
    return values


def _python_arguments(text: str) -> Any:
    """Return arguments that are written as in Python, with literal values."""
    if len(text) > _MAX_PARSED_CHARS or "\\" in text:
        # Python warns of escapes that it does not know.
        return None
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or (call.args and call.keywords):
            return None
        if call.keywords:
            return {each.arg or "**": ast.literal_eval(each.value) for each in call.keywords}
        return [ast.literal_eval(value) for value in call.args]
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
