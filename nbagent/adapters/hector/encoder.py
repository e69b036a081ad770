"""Encoder for Hector: chunks of text, over server-sent events or a WebSocket.

Source: https://github.com/kadirpekel/hector, `docs/core-concepts/streaming.md` at 7bc71ac. A frame
is `{"chunk": text}`, and `[DONE]` is the end. A tool call is a line of the text, `[Tool:
name("a value", 2)]`, and its result the line after it, `Output: text`. Frames are separated by
empty lines, which the standard requires and the documentation leaves out.

The end and an error are named events, `done` and `error`, as Hector's server sends them. The
documentation's clients read every unnamed event, and every message of a WebSocket, as a JSON
object, which a bare `[DONE]` is not. At an event named `error` their `onerror` closes the
connection. Reasoning is `{"thinking": text}` under a name of its own, so that no client takes it
for the answer.
"""

import json
import re
from typing import ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import TEXT_ONLY, Loss
from nbagent.adapters.base.overlaps import Trigger
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import (
    PARAGRAPH_BREAK,
    named_fields,
    result_text,
    tool_word,
)
from nbagent.adapters.hector.calls_in_turn import CallsInTurn
from nbagent.events.jsonable import json_safe

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_LINE_END = re.compile(r"[\r\n]")


class HectorEncoder(BaseEncoder):
    """Encodes events as the chunks of Hector's documentation."""

    system: ClassVar[str] = "hector"
    loses: ClassVar[frozenset[Loss]] = (
        (TEXT_ONLY - {Loss.REASONING})
        | {Loss.REASONING_FORM, Loss.MODEL, Loss.PAUSED, Loss.OVERLAPS, Loss.CALL_BOUNDARIES}
        | {
            Loss.TOOL_NAME_CHARS,
            Loss.TOOL_TITLES,
            Loss.CALL_IDS,
            Loss.ARGS_AS_TEXT,
            Loss.RESULT_LINES,
            Loss.APPROVALS,
        }
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset({"paused"})
    split_on: ClassVar[frozenset[Trigger] | None] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._calls = CallsInTurn()
        self._running: StreamedCall | None = None  # whose line is the last one
        self._last_text: StreamedText | None = None
        self._at_line_start = True

    def _read(self, event: ev.Event) -> None:
        for each in self._calls.feed(event):
            super()._read(each)

    def sse_fields(self, item: Item) -> tuple[str | None, str]:
        """Return a chunk without a name; the error and the end have one."""
        if isinstance(item, dict) and "event" in item:
            return named_fields(item)
        return super().sse_fields(item)

    def _emit_chunk(self, text: str) -> None:
        self._at_line_start = text.endswith("\n")
        self.emit({"chunk": text})

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a chunk, set apart from an earlier text."""
        if delta:
            self._running = None
            before, self._last_text = self._last_text, text
            if before not in (None, text):
                delta = PARAGRAPH_BREAK + delta
            self._emit_chunk(delta)

    def reasoning_delta(self, reasoning: StreamedText, delta: str) -> None:
        """Emit a delta of reasoning."""
        if delta:
            self.emit({"event": "thinking", "data": {"thinking": delta}})

    def end_args(self, call: StreamedCall) -> None:
        """Emit the call as a line of its own, in one chunk."""
        newline = "" if self._at_line_start else "\n"
        self._emit_chunk(f"{newline}[Tool: {tool_word(call.name)}({values_of(call)})]\n")
        self._last_text, self._running = None, call

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit a final result as the line after that of its call."""
        if call.answered and self._running is call and (text := result_text(event)):
            self._emit_chunk(f"Output: {line_of(text)}\n")
            self._running = None

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the end, or the error: a client closes its connection at both."""
        if error is None:
            self.emit({"event": "done", "data": "[DONE]"})
        else:
            payload = {"message": error.message}
            if error.code:
                payload["code"] = error.code
            self.emit({"event": "error", "data": {"error": payload}})


def values_of(call: StreamedCall) -> str:
    """Return the arguments of a call as they stand in the parentheses of its line: the values,
    without their names.
    """
    args = call.final_args
    if args is None or not args.valid or not isinstance(args.args, dict):
        # JSON has line breaks only between its values
        return _LINE_END.sub(" ", call.args_text)
    values = list(args.args.values())
    if len(values) == 1 and isinstance(values[0], dict):
        return _JSON.encode(json_safe(args.args))  # else its value was read as the arguments
    return ", ".join(_JSON.encode(json_safe(value)) for value in values)


def line_of(text: str) -> str:
    """Return a text on one line: as JSON if it is not one already."""
    is_line = text == text.strip() and not text.startswith('"') and len(text.splitlines()) == 1
    if is_line:
        return text
    return _JSON.encode(text)
