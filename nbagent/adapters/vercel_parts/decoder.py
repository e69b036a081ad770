"""Decoder of Vercel's AI SDK before version 5: the data stream (`0:"Hi"`), and the parts of
`streamText(…).fullStream`.

Format: https://github.com/vercel/ai at ai@4, `packages/ui-utils/src/data-stream-parts.ts` and
`packages/ai/core/generate-text/stream-text-result.ts`. A line of the data stream is a code, a colon
and JSON; it is read as the part that it stands for. `finish` is the terminal.

The format has no ids of texts, models, approvals or agents, and gives a step's tokens before the
run's.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field
from nbagent.adapters.base.payload import usage_counts

_LINE = re.compile(r'\s*[0-9a-k]:(?:["\[{]|null)')
_PARTS = {
    "0": "text-delta",
    "3": "error",
    "9": "tool-call",
    "a": "tool-result",
    "b": "tool-call-streaming-start",
    "c": "tool-call-delta",
    "d": "finish",
    "e": "step-finish",
    "f": "step-start",
    "g": "reasoning",
    "h": "source",
    "j": "reasoning-signature",
    "k": "file",
}
"""The part that a line stands for, by its code. The other codes are an application's own data."""

_FIELDS = {
    "text-delta": "textDelta",
    "reasoning": "textDelta",
    "tool-call": "toolCallId",
    "tool-result": "toolCallId",
    "tool-call-streaming-start": "toolCallId",
    "step-start": "messageId",
}
"""A field of each part by which it is known."""

_CUT_SHORT = {"length", "content-filter", "other", "unknown"}


class VercelPartsDecoder(BaseDecoder):
    """Decoder of the lines of a data stream, and of parts."""

    system: ClassVar[str] = "vercel.parts"

    def __init__(self) -> None:
        super().__init__()
        self._pending = ""  # a line that is not complete
        self._calls: dict[str, Block] = {}

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a line of a data stream, or one of the parts."""
        if isinstance(item, str):
            return _LINE.match(item) is not None
        payload = fields_or_empty(item)
        name = _FIELDS.get(str(payload.get("type")))
        return (
            name is not None
            and isinstance(payload.get(name), str)
            and "id" not in payload
            and "providerExecuted" not in payload
        )

    def read(self, item: Any) -> None:
        """Read a piece of a data stream, cut anywhere, or a part."""
        if not isinstance(item, str):
            self._part(fields_or_empty(item), item)
            return
        *lines, self._pending = (self._pending + item).split("\n")
        for line in filter(str.strip, lines):
            self._line(line)

    def _line(self, line: str) -> None:
        code, _, text = line.strip().partition(":")
        try:
            value = json.loads(text) if _LINE.match(line) else ...
        except (ValueError, RecursionError):
            value = ...
        if value is ...:
            self.builder.raw(line)
        elif isinstance(value, str):
            self._part({"type": _PARTS.get(code), "textDelta": value, "error": value}, line)
        elif code in _PARTS and isinstance(value, dict):
            self._part({**value, "type": _PARTS[code]}, line)
        else:
            self.builder.custom("data", value)

    def _part(self, part: Mapping[str, Any], item: Any) -> None:
        kind = str_field(part, "type", default="")
        if kind not in ("finish", "error", "step-finish"):
            self.builder.need_step()
        reader = _READERS.get(kind)
        if reader is not None:
            reader(self, kind, part)
        elif kind not in _IGNORED:
            self.builder.raw(item, nonempty_str(kind))

    def _text(self, kind: str, part: Mapping[str, Any]) -> None:
        self.builder.end_reasoning("reasoning")
        self.builder.text("text", str_field(part, "textDelta", default=""))

    def _reasoning(self, kind: str, part: Mapping[str, Any]) -> None:
        self.builder.reasoning("reasoning", str_field(part, "textDelta", default=""))

    def _source(self, kind: str, part: Mapping[str, Any]) -> None:
        source = fields_or_empty(part.get("source") or part)
        self.builder.source(str_field(source, "url"), title=str_field(source, "title"))

    def _file(self, kind: str, part: Mapping[str, Any]) -> None:
        media_type = str_field(part, "mimeType", default="*/*")
        self.builder.file(media_type, data=str_field(part, "data", "base64"))

    def _error(self, kind: str, part: Mapping[str, Any]) -> None:
        self.fail_with(part.get("error"))

    def _tool(self, kind: str, part: Mapping[str, Any]) -> None:
        call_id = str_field(part, "toolCallId", default="")
        block = self._calls.get(call_id)
        if block is None or (block.closed and kind != "tool-result"):
            name = str_field(part, "toolName", default="tool")
            block = self._calls[call_id] = self.builder.start_tool(
                ("call", call_id), name, call_id=call_id or None
            )
        if kind == "tool-call-delta":
            self.builder.tool_delta(block, str_field(part, "argsTextDelta", default=""))
        elif kind == "tool-call" or "args" in part:
            self.builder.complete_args(block, part.get("args"))
        if kind == "tool-result":
            self.builder.tool_args(block)
            self.builder.tool_result(block, part.get("result"))

    def _finish(self, kind: str, part: Mapping[str, Any]) -> None:
        """End a step, or the run, whose token counts replace those of its steps."""
        counts = usage_counts(
            part.get("usage"), input="promptTokens", output="completionTokens", total="totalTokens"
        )
        usage = None
        if counts:
            usage = ev.Usage(**counts)
        reason = str_field(part, "finishReason")
        if kind == "step-finish":
            self.builder.end_step(reason, usage)
            return
        self.builder.end_step(reason)
        self.builder.usage = usage or self.builder.usage
        if reason == "error":
            self.fail("The run failed")
        elif self.stop_info.status != "failed":
            self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and read a last line without its end."""
        if self._pending.strip() and not self.builder.ended:
            line, self._pending = self._pending, ""
            if error is None:
                self._line(line)
        return super().close(error)


_READERS: dict[str, Callable[[VercelPartsDecoder, str, Mapping[str, Any]], None]] = {
    "text-delta": VercelPartsDecoder._text,
    "reasoning": VercelPartsDecoder._reasoning,
    "tool-call-streaming-start": VercelPartsDecoder._tool,
    "tool-call-delta": VercelPartsDecoder._tool,
    "tool-call": VercelPartsDecoder._tool,
    "tool-result": VercelPartsDecoder._tool,
    "step-finish": VercelPartsDecoder._finish,
    "finish": VercelPartsDecoder._finish,
    "source": VercelPartsDecoder._source,
    "file": VercelPartsDecoder._file,
    "error": VercelPartsDecoder._error,
}
_IGNORED = {"step-start", "reasoning-signature", "redacted-reasoning"}
