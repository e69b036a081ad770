"""Encoder for the vocabulary of many FastAPI tutorials: `status`, `token`, `tool_result`, `done`.

Items are `{"type": "status" or "token", "content"}`, `{"type": "tool_result", "tool", "content"}`
and `{"type": "done"}`. The start of a tool is a status, "Using search...". The vocabulary has no
failure, so that a client would take a broken stream for a complete one; `{"type": "error",
"content"}`, which some servers add, is sent too.
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import TEXT_ONLY, Loss
from nbagent.adapters.base.overlaps import Trigger
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import PARAGRAPH_BREAK, result_text, tool_word


class StatusTokensEncoder(BaseEncoder):
    """Encodes events as status, token and tool items."""

    system: ClassVar[str] = "status.tokens"
    loses: ClassVar[frozenset[Loss]] = (
        TEXT_ONLY - {Loss.STATUS}
        | {
            Loss.MODEL,
            Loss.ERROR_CODES,
            Loss.PAUSED,
            Loss.OVERLAPS,
            Loss.BOUNDARIES,
            Loss.STATUS_LEVELS,
        }
        | {Loss.TOOL_NAME_CHARS, Loss.TOOL_TITLES, Loss.CALL_IDS, Loss.ARGS, Loss.APPROVALS}
        | {Loss.PRELIMINARY, Loss.RESULT_TYPES, Loss.RESULT_OF_OLDEST, Loss.TOOL_ERRORS}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset({"paused"})
    split_on: ClassVar[frozenset[Trigger] | None] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._last_text: StreamedText | None = None

    def _emit_content(self, kind: str, content: str, **more: Any) -> None:
        self.emit({"type": kind, **more, "content": content})

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a token, set apart from an earlier text."""
        if delta:
            before, self._last_text = self._last_text, text
            self._emit_content(
                "token", delta if before in (None, text) else PARAGRAPH_BREAK + delta
            )

    def start_call(self, call: StreamedCall) -> None:
        """Emit a status with the tool's name."""
        self._emit_content("status", f"Using {tool_word(call.name)}...")

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit a final result."""
        if call.answered:
            self._emit_content("tool_result", result_text(event), tool=tool_word(call.name))

    def other_event(self, event: ev.Event) -> None:
        """Emit a status line."""
        if isinstance(event, ev.Status):
            self._emit_content("status", event.message)

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the error, if there is one, and the end."""
        if error is not None:
            self._emit_content("error", error.message)
        self.emit({"type": "done"})
