"""Decoder of Anthropic Messages, including clouds that resell it and other servers of that
endpoint.

Format: https://platform.claude.com/docs/en/build-with-claude/streaming, and the types of the Python
SDK 2.11. Items are stream events, whole messages and the events of the SDK's `messages.stream()`,
as SDK objects or dicts, with or without the frame of a server-sent event. User turns with tool
results are read, too, for agent loops that pass them on.

The format has no results of the client's tools (they are in the next request), approvals, agents or
hand-offs.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.anthropic.content_block import ContentBlock, content_text, summary_of
from nbagent.adapters.anthropic.usage import anthropic_usage
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    clean_str,
    entries_in,
    fields,
    fields_or_empty,
    list_or_empty,
    nonempty_str,
    str_field,
    to_jsonable,
)
from nbagent.adapters.base.payload import frame_of

_CUT_SHORT = {"max_tokens", "model_context_window_exceeded", "pause_turn", "refusal", "compaction"}
_HELPER_EVENTS = {"text", "thinking", "signature", "input_json", "citation", "compaction"}
_META_FIELDS = ("caller", "server_name")


class AnthropicDecoder(BaseDecoder):
    """Decoder of Messages stream events. A message is a step.

    Adjacent text blocks become one text: the service starts a new block at each citation, even
    within a sentence (anthropic/vercel-anthropic-web-search-tool).
    """

    system: ClassVar[str] = "anthropic.messages"

    def __init__(self) -> None:
        super().__init__()
        # of all messages: a hosted tool's result may come in a later message
        self._calls: dict[str, Block] = {}
        self._reset(None)

    def _reset(self, message_id: str | None) -> None:
        self._id = message_id
        self._parts: dict[Any, ContentBlock] = {}
        self._usage: dict[str, Any] = {}
        self._reason: str | None = None
        self._terminal_seen = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a stream event, a whole message or an error of this
        service.
        """
        payload = fields_or_empty(frame_of(item).data)
        kind = payload.get("type")
        if kind == "error":
            error = fields_or_empty(payload.get("error"))
            return (
                "sequence_number" not in payload
                and "code" not in error
                and str_field(error, "type") is not None
            )
        if kind == "message":
            return isinstance(payload.get("content"), list) and "stop_reason" in payload
        if kind == "message_start":
            return bool(fields_or_empty(payload.get("message")))
        return isinstance(kind, str) and kind in _HANDLERS

    def read(self, item: Any) -> None:
        """Read a stream event, a whole message, a user turn, or the `[DONE]` that some proxies
        add.
        """
        if isinstance(item, str):
            if item.strip() != "[DONE]":
                self.builder.raw(item)
            return
        payload = fields(frame_of(item).data)
        kind = clean_str(payload.get("type"), default="")
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, payload)
        elif payload.get("role") == "user" and isinstance(payload.get("content"), list):
            self._user_turn(payload)
        elif kind not in _HELPER_EVENTS:  # helper events repeat their stream event
            self.builder.raw(item, kind)

    # --- the message ---

    def _begin(self) -> None:
        if not self.builder.in_step:
            self.new_step()
            self._reset(None)

    def _message_start(self, payload: Mapping[str, Any]) -> None:
        """Start a message.

        An open message with the same id is repeated; one with another id was abandoned.

        Proxies that retry send such streams (anthropic/vercel-spliced-message-start).
        """
        message = fields(payload["message"])
        message_id = clean_str(message.get("id"))
        if self.builder.in_step:
            if message_id is not None and message_id == self._id:
                return
            self.finish()
        self.new_step(clean_str(message.get("model")))
        self._reset(message_id)
        self._read_usage(message.get("usage"))
        self._reason = clean_str(message.get("stop_reason"))
        for index, block in enumerate(entries_in(message, "content")):
            self._start(index, fields(block))
            self._finish_part(self._parts[index])

    def _message(self, payload: Mapping[str, Any]) -> None:
        self._message_start({"message": payload})
        self._message_stop({})

    def _message_delta(self, payload: Mapping[str, Any]) -> None:
        self._begin()
        delta = fields_or_empty(payload.get("delta"))
        self._reason = clean_str(delta.get("stop_reason"), default=self._reason)
        self._read_usage(payload.get("usage"))
        details = fields_or_empty(delta.get("stop_details"))
        explanation = clean_str(details.get("explanation"))
        if explanation is not None:
            self.builder.status(
                explanation, level="warning", meta={"stop_details": to_jsonable(details)}
            )
        edits = fields_or_empty(payload.get("context_management")).get("applied_edits")
        if edits:
            self.builder.status(
                "Parts of the conversation were left out",
                meta={"applied_edits": to_jsonable(edits)},
            )

    def _message_stop(self, payload: Mapping[str, Any]) -> None:
        if self.builder.in_step:
            self._terminal_seen = True
            self.finish()

    def _user_turn(self, payload: Mapping[str, Any]) -> None:
        for entry in payload["content"]:
            block = fields_or_empty(entry)
            if block.get("type") == "tool_result":
                self._write_result("tool_result", block)

    def _error(self, payload: Mapping[str, Any]) -> None:
        self.fail_with(payload.get("error"))

    def _ignore(self, payload: Mapping[str, Any]) -> None:
        """Ignore a ping."""

    def finish(self) -> None:
        """End the message. Without `message_stop` it is truncated."""
        for part in self._parts.values():
            if self._terminal_seen or part.tool is None:
                self._finish_part(part)
        if self.stop_info.status == "failed":
            self.stop_info = self.stop_info._replace(finish_reason=self._reason)
        elif self._terminal_seen and self.stop_info is TRUNCATED:
            reason = self._reason
            self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)
        self.builder.end_step(self._reason, anthropic_usage(self._usage))

    def _read_usage(self, usage: Any) -> None:
        """Merge token counts. They are cumulative: a later count replaces an earlier one."""
        self._usage |= {
            name: value for name, value in fields_or_empty(usage).items() if value is not None
        }

    # --- content blocks ---

    def _block_start(self, payload: Mapping[str, Any]) -> None:
        self._begin()
        self._start(payload.get("index"), fields(payload["content_block"]))

    def _start(self, index: Any, block: Mapping[str, Any]) -> None:
        builder = self.builder
        kind = clean_str(block.get("type"), default="")
        if index in self._parts or kind != "text":
            self._end_text()
        part = self._parts[index] = ContentBlock(kind, (builder.step, index))
        starter = _STARTERS.get(kind)
        if starter is not None:
            starter(self, part, block)
        elif kind.endswith("tool_use"):
            self._start_tool(part, block)
        elif kind.endswith("tool_result"):
            self._write_result(kind, block)
        else:
            builder.raw(block, kind)

    def _start_text(self, part: ContentBlock, block: Mapping[str, Any]) -> None:
        self._write_text(block.get("text"))
        for citation in entries_in(block, "citations"):
            self._cite(citation)

    def _start_thinking(self, part: ContentBlock, block: Mapping[str, Any]) -> None:
        self.builder.start_reasoning(part.key)
        self.builder.reasoning(part.key, str_field(block, "thinking", default=""))
        part.signature = str_field(block, "signature", default="")

    def _redacted_thinking(self, part: ContentBlock, block: Mapping[str, Any]) -> None:
        self.builder.start_reasoning(part.key)
        self.builder.end_reasoning(part.key, encrypted=clean_str(block.get("data")))

    def _start_compaction(self, part: ContentBlock, block: Mapping[str, Any]) -> None:
        part.summary = summary_of(block)

    def _fallback(self, part: ContentBlock, block: Mapping[str, Any]) -> None:
        before, after = (
            clean_str(fields_or_empty(block.get(end)).get("model"), default="another model")
            for end in ("from", "to")
        )
        meta = {"fallback": to_jsonable(block)}
        self.builder.status(f"{after} answers instead of {before}", meta=meta)

    def _container_upload(self, part: ContentBlock, block: Mapping[str, Any]) -> None:
        self._write_file(block)

    def _block_delta(self, payload: Mapping[str, Any]) -> None:
        self._begin()
        delta = fields(payload["delta"])
        kind = clean_str(delta.get("type"), default="")
        index = payload.get("index")
        if index not in self._parts and kind in ("text_delta", "thinking_delta"):
            # The stream was opened after the block began.
            self._start(index, {"type": kind.removesuffix("_delta")})
        part, reader = self._parts.get(index), _DELTAS.get(kind)
        if part is None or reader is None or not reader(self, part, delta):
            self.builder.raw(payload, kind)

    def _text_delta(self, part: ContentBlock, delta: Mapping[str, Any]) -> bool:
        self._write_text(delta.get("text"))
        return True

    def _thinking_delta(self, part: ContentBlock, delta: Mapping[str, Any]) -> bool:
        self.builder.reasoning(part.key, str_field(delta, "thinking", default=""))
        return True

    def _signature_delta(self, part: ContentBlock, delta: Mapping[str, Any]) -> bool:
        part.signature += str_field(delta, "signature", default="")
        return True

    def _citations_delta(self, part: ContentBlock, delta: Mapping[str, Any]) -> bool:
        self._cite(delta.get("citation"))
        return True

    def _compaction_delta(self, part: ContentBlock, delta: Mapping[str, Any]) -> bool:
        part.summary |= summary_of(delta)
        return True

    def _input_delta(self, part: ContentBlock, delta: Mapping[str, Any]) -> bool:
        if part.tool is not None:
            self.builder.tool_delta(part.tool, str_field(delta, "partial_json", default=""))
        return part.tool is not None

    def _block_stop(self, payload: Mapping[str, Any]) -> None:
        part = self._parts.get(payload.get("index"))
        if part is not None:
            self._finish_part(part)

    def _finish_part(self, part: ContentBlock) -> None:
        if part.done:
            return
        part.done = True
        if part.kind == "thinking":
            self.builder.end_reasoning(part.key, signature=clean_str(part.signature))
        elif part.kind == "compaction":
            self.builder.status("The conversation was compacted", meta={"compaction": part.summary})
        elif part.tool is not None:
            streamed = part.tool.args_pieces or not part.input
            self.builder.tool_args(part.tool, args=None if streamed else part.input)

    # --- text ---

    def _text_key(self) -> Hashable:
        return (self.builder.step, "text")

    def _write_text(self, text: Any) -> None:
        self.builder.text(self._text_key(), nonempty_str(text, default=""))

    def _end_text(self) -> None:
        self.builder.end_text(self._text_key())

    def _cite(self, citation: Any) -> None:
        """Write a citation of the current text. It may come before the text's first delta."""
        data = fields_or_empty(citation)
        text_id = self.builder.start_text(self._text_key()).id
        url = clean_str(data.get("url")) or clean_str(data.get("source"))
        title = clean_str(data.get("title")) or clean_str(data.get("document_title"))
        self.builder.source(url, title=title, text_id=text_id, meta=to_jsonable(data))

    # --- tools ---

    def _start_tool(self, part: ContentBlock, block: Mapping[str, Any]) -> None:
        name = clean_str(block.get("name"), default=part.kind)
        call_id = clean_str(block.get("id"))
        server = clean_str(block.get("server_name"))
        kind: ev.ToolKind = "mcp" if server else "hosted"
        if part.kind == "tool_use":
            kind = "function"
        meta = {key: to_jsonable(block[key]) for key in _META_FIELDS if block.get(key)}
        title = None
        if server:
            title = f"{server}: {name}"
        part.tool = self.builder.start_tool(
            part.key, name, call_id=call_id, kind=kind, title=title, meta=meta
        )
        part.input = block.get("input")
        if call_id is not None:
            self._calls[call_id] = part.tool

    def _write_result(self, kind: str, block: Mapping[str, Any]) -> None:
        """Write a tool's result. Its call may have been in a response before this stream."""
        builder = self.builder
        call_id = clean_str(block.get("tool_use_id"))
        tool = self._calls.get(call_id or "")
        if tool is None:
            name = kind.removesuffix("_tool_result")
            tool = builder.start_tool(
                (builder.step, kind, call_id), name, call_id=call_id, kind="hosted"
            )
        content = block.get("content")
        details = fields_or_empty(content)
        failed = clean_str(details.get("type"), default="").endswith("_error")
        if failed or block.get("is_error") is True:
            message = (
                clean_str(details.get("error_message"))
                or clean_str(details.get("error_code"))
                or content_text(content)
                or "failed"
            )
            error = ev.ErrorInfo(message=message, type=clean_str(details.get("error_code")))
            builder.tool_result(tool, content, status="error", error=error)
        else:
            builder.tool_result(tool, content)
        files = details.get("content")
        for entry in list_or_empty(files):
            self._write_file(fields_or_empty(entry))

    def _write_file(self, block: Mapping[str, Any]) -> None:
        """Write a file in the service's container, of which only the id is known."""
        file_id = clean_str(block.get("file_id"))
        if file_id is not None:
            self.builder.file("application/octet-stream", name=file_id, meta={"file_id": file_id})


_HANDLERS: dict[str, Callable[[AnthropicDecoder, Mapping[str, Any]], None]] = {
    "message_start": AnthropicDecoder._message_start,
    "message_delta": AnthropicDecoder._message_delta,
    "message_stop": AnthropicDecoder._message_stop,
    "message": AnthropicDecoder._message,
    "content_block_start": AnthropicDecoder._block_start,
    "content_block_delta": AnthropicDecoder._block_delta,
    "content_block_stop": AnthropicDecoder._block_stop,
    "ping": AnthropicDecoder._ignore,
    "error": AnthropicDecoder._error,
}


_STARTERS: dict[str, Callable[[AnthropicDecoder, ContentBlock, Mapping[str, Any]], None]] = {
    "text": AnthropicDecoder._start_text,
    "thinking": AnthropicDecoder._start_thinking,
    "redacted_thinking": AnthropicDecoder._redacted_thinking,
    "compaction": AnthropicDecoder._start_compaction,
    "fallback": AnthropicDecoder._fallback,
    "container_upload": AnthropicDecoder._container_upload,
}
# They return False for a delta that the block cannot have.
_DELTAS: dict[str, Callable[[AnthropicDecoder, ContentBlock, Mapping[str, Any]], bool]] = {
    "text_delta": AnthropicDecoder._text_delta,
    "thinking_delta": AnthropicDecoder._thinking_delta,
    "signature_delta": AnthropicDecoder._signature_delta,
    "citations_delta": AnthropicDecoder._citations_delta,
    "compaction_delta": AnthropicDecoder._compaction_delta,
    "input_json_delta": AnthropicDecoder._input_delta,
}
