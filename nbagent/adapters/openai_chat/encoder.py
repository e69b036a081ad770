"""Encoder for OpenAI Chat Completions: a whole run as the chunks of one completion.

Source: https://platform.openai.com/docs/api-reference/chat-streaming, as openai 3.52 reads it.
Reasoning is sent in DeepSeek's field `reasoning_content`, which most clients of compatible
endpoints read.

A tool call in a completion is one that the client has to run, but the agent has run its own calls
already. The finish reason is "tool_calls" only if calls are left to the client. For a client that
runs every call that it sees, hide them (`reveal="answer"`).
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.closed_codes import SERVER_ERROR
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import OPENAI, Loss
from nbagent.adapters.base.overlaps import Trigger
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import PARAGRAPH_BREAK

DONE = "[DONE]"
"""Last item of a stream."""


class ChatEncoder(BaseEncoder):
    """Encodes events as Chat Completions chunks.

    Args:
        usage: whether a last chunk without choices has the token counts. Clients ask for it by
            `stream_options`.
        model: name of the model for the clients of a server; None is that of the run.
    """

    system: ClassVar[str] = "openai.chat"
    loses: ClassVar[frozenset[Loss]] = (
        OPENAI
        | {Loss.MISSING_TOTALS, Loss.CACHE_WRITES, Loss.END_STATUS, Loss.PAUSED}
        | {Loss.OVERLAPS, Loss.SPLITS, Loss.BOUNDARIES, Loss.REPLACED_TEXT}
        | {Loss.REASONING_KIND, Loss.OPAQUE_REASONING, Loss.REPLACED_REASONING}
        | {Loss.UNFINISHED_ARGS, Loss.REPLACED_ARGS, Loss.RESULTS, Loss.SOURCES_WITHOUT_URL}
        | {Loss.MISSING_ERROR_TYPES}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset({"paused"})
    limit_names: ClassVar[dict[str, str]] = {"length": "length", "content_filter": "content_filter"}
    split_on: ClassVar[frozenset[Trigger] | None] = frozenset({"text", "reasoning", "tool"})

    def __init__(self, *, usage: bool = True, model: str | None = None) -> None:
        super().__init__()
        self._has_usage = usage
        self._named = model
        self.names_calls = model is not None
        self._envelope: dict[str, Any] = {}
        self._call_index: dict[str, int] = {}
        self._last_in: dict[str, StreamedText] = {}  # the last text in each field of a delta
        self._source_count = 0

    def _emit_delta(self, delta: dict[str, Any], reason: str | None = None) -> None:
        if not self._envelope:  # made with the first content, when the model is known
            fields = {
                "id": f"chatcmpl-{self.run_id}",
                "object": "chat.completion.chunk",
                "created": self.created,
            }
            self._envelope = {**fields, "model": self._named or self.model or ""}
            # By itself, as the API does: readers that skip the first chunk lose no text.
            self._emit_delta({"role": "assistant", "content": "" if delta.get("content") else None})
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        self.emit({**self._envelope, "choices": [choice]})

    def _emit_text(self, field: str, text: StreamedText, delta: str) -> None:
        """Emit a delta of a field.

        The client joins a field to one text, so that a second one is set apart in it.
        """
        if not delta:
            return
        if self._last_in.get(field, text) is not text:
            delta = PARAGRAPH_BREAK + delta
        self._last_in[field] = text
        self._emit_delta({field: delta})

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the finish reason, the token counts and the error."""
        if error is None or not self._envelope:
            reason = self.limit_name(end) or ("tool_calls" if self.open_calls() else "stop")
            self._emit_delta({}, reason if error is None else None)
        if self.usage is not None and self._has_usage:
            self.emit({**self._envelope, "choices": [], "usage": chat_usage(self.usage)})
        if error is not None:
            type = None
            if self._named is None:
                type = error.error_type
            self.emit(chat_error(error, type or SERVER_ERROR))
        self.emit(DONE)

    # --- content ---

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a delta of the content or of a refusal."""
        self._emit_text("refusal" if text.is_refusal else "content", text, delta)

    def reasoning_delta(self, reasoning: StreamedText, delta: str) -> None:
        """Emit a delta of the reasoning."""
        self._emit_text("reasoning_content", reasoning, delta)

    def start_call(self, call: StreamedCall) -> None:
        """Emit the first delta of a call, which has everything but the arguments."""
        index = self._call_index[call.start.id] = len(self._call_index)
        function = {"name": call.name, "arguments": ""}
        self._emit_delta(
            {
                "tool_calls": [
                    {"index": index, "id": call.call_id, "type": "function", "function": function}
                ]
            }
        )

    def args_delta(self, call: StreamedCall, delta: str) -> None:
        """Emit a delta of the arguments."""
        entry = {"index": self._call_index[call.start.id], "function": {"arguments": delta}}
        self._emit_delta({"tool_calls": [entry]})

    def other_event(self, event: ev.Event) -> None:
        """Emit a source with a URL as an annotation."""
        if isinstance(event, ev.Source) and event.url:
            citation = {
                "url": event.url,
                "title": event.title or "",
                "start_index": 0,
                "end_index": 0,
            }
            # openai's own accumulator raises on a list entry without an index.
            annotation = {
                "index": self._source_count,
                "type": "url_citation",
                "url_citation": citation,
            }
            self._emit_delta({"annotations": [annotation]})
            self._source_count += 1


def chat_error(error: ev.Error, type: str = SERVER_ERROR) -> dict[str, Any]:
    """Return an error as Chat Completions has it."""
    payload = {
        "message": error.message,
        "type": type,
        "param": None,
        "code": error.code,
    }
    return {"error": payload}


def chat_usage(usage: ev.Usage) -> dict[str, Any]:
    """Return token counts as Chat Completions has them; the three main counts are always there."""
    input_tokens, output_tokens = usage.input or 0, usage.output or 0
    counts: dict[str, Any] = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens}
    counts["total_tokens"] = input_tokens + output_tokens if usage.total is None else usage.total
    if usage.cache_read is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cache_read}
    if usage.reasoning is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return counts
