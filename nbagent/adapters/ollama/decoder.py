"""Decoder of Ollama's own API: `/api/chat` and `/api/generate`, streamed as lines of JSON.

Format: https://docs.ollama.com/api/streaming, and the types of the Python client 0.6. Items are
chunks, as dicts or as the client's objects. A response that was not streamed is one chunk with
`done`.

The format has no argument deltas, tool results, approvals, agents or sources. Older servers send no
call ids.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    base64_text,
    clean_str,
    entries_in,
    fields,
    fields_or_empty,
    str_field,
    sum_or_none,
    token_count,
)

_KEY = "answer"
_CUT_SHORT = {"length"}


class OllamaDecoder(BaseDecoder):
    """Decoder of chunks. The terminal of a response is a chunk with `done: true`."""

    system: ClassVar[str] = "ollama"

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0
        self._done: Mapping[str, Any] | None = None

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a chunk of either endpoint."""
        payload = fields_or_empty(item)
        return isinstance(payload.get("done"), bool) and (
            "message" in payload or "response" in payload or "done_reason" in payload
        )

    def read(self, item: Any) -> None:
        """Read one chunk or one error line."""
        chunk = fields(item)
        if chunk.get("error"):
            self.fail_with(chunk["error"])
            return
        if not isinstance(chunk.get("done"), bool):
            self.builder.raw(item, clean_str(chunk.get("status")))
            return
        if not self.builder.in_step:
            self.new_step(clean_str(chunk.get("model")))
            self._done = None
        message = fields_or_empty(chunk.get("message"))
        if message.get("role") == "tool":
            self.builder.raw(item, "tool")
        else:
            self._write_reasoning(str_field(message, "thinking") or str_field(chunk, "thinking"))
            self._write_text(str_field(message, "content") or str_field(chunk, "response"))
            for call in entries_in(message, "tool_calls"):
                self._write_call(fields(call))
            for image in (*entries_in(message, "images"), chunk.get("image")):
                self._write_image(base64_text(image))
        if chunk["done"]:
            self._done = chunk
            self.finish()

    def finish(self) -> None:
        """End the response. Without its terminal chunk it is truncated."""
        done = self._done or {}
        reason = clean_str(done.get("done_reason"))
        if self._done is not None and self.stop_info is TRUNCATED:
            self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)
        self.builder.end_step(reason, _read_usage(done))

    def _write_reasoning(self, reasoning: str | None) -> None:
        if reasoning:
            self.builder.end_text(_KEY)
            self.builder.reasoning(_KEY, reasoning)

    def _write_text(self, text: str | None) -> None:
        if text:
            self.builder.end_reasoning(_KEY)
            self.builder.text(_KEY, text)

    def _write_call(self, call: Mapping[str, Any]) -> None:
        """Write a tool call, which always arrives complete."""
        builder = self.builder
        builder.end_texts_and_reasoning()
        self._calls += 1
        function = fields_or_empty(call.get("function"))
        block = builder.start_tool(
            ("call", self._calls),
            clean_str(function.get("name"), default="function"),
            call_id=clean_str(call.get("id")),
        )
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            builder.tool_args(block, arguments)
        else:
            builder.tool_args(block, args=arguments or {})

    def _write_image(self, data: str | None) -> None:
        if data:
            builder = self.builder
            builder.file("image/png", data=data)


def _read_usage(done: Mapping[str, Any]) -> ev.Usage | None:
    """Return the token counts, or None.

    `prompt_eval_count` is missing if the prompt was in the server's cache.
    """
    prompt = token_count(done.get("prompt_eval_count"))
    output = token_count(done.get("eval_count"))
    if prompt is None and output is None:
        return None
    return ev.Usage(input=prompt, output=output, total=sum_or_none(prompt, output))
