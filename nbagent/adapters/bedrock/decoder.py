"""Decoder of Amazon Bedrock's ConverseStream, and of Claude's own stream through
InvokeModelWithResponseStream.

Format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html.
Items are the events of boto3's `response["stream"]` (`response["body"]` of the other call) as
dicts, `{"contentBlockDelta": {…}}`, or the decoded binary frames, `{"event": "contentBlockDelta",
"data": {…}}`.

The format has no model name, results of the client's tools, approvals, agents or hand-offs. The
token counts come after `messageStop`: a stream without them is complete.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.anthropic.decoder import AnthropicDecoder
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    base64_text,
    clean_str,
    fields_or_empty,
    is_token_count,
    listed,
    nonempty_str,
    str_field,
    to_jsonable,
)

_CUT_SHORT = {
    "max_tokens",
    "model_context_window_exceeded",
    "guardrail_intervened",
    "content_filtered",
}
_FAILED = {"malformed_model_output", "malformed_tool_use"}
_EXCEPTION = "Exception"


class BedrockDecoder(BaseDecoder):
    """Decoder of ConverseStream events.

    A message is a step; adjacent text blocks become one text.
    """

    system: ClassVar[str] = "bedrock.converse"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._claude: AnthropicDecoder | None = None
        self._reset()

    def _reset(self) -> None:
        self._kinds: dict[Any, str] = {}
        self._signatures: dict[Hashable, str] = {}
        self._redacted: dict[Hashable, str] = {}
        self._results: dict[Any, tuple[Block, bool, list[Any]]] = {}
        self._images: dict[Any, tuple[str, str]] = {}
        self._usage: ev.Usage | None = None
        self._reason: str | None = None
        self._terminal_seen = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of either call, or one of its exceptions."""
        name, payload = _name_and_payload(item)
        if name == "chunk":
            return isinstance(payload.get("bytes"), (bytes, str))
        if name == "metadata":  # other systems have this word, too
            return "inputTokens" in fields_or_empty(payload.get("usage"))
        return name in _HANDLERS or (name.endswith(_EXCEPTION) and "message" in payload)

    def read(self, item: Any) -> None:
        """Read one event."""
        name, payload = _name_and_payload(item)
        if name == "chunk" and "bytes" in payload:
            self._read_chunk(item, payload["bytes"])
        elif name.endswith(_EXCEPTION):
            self.fail(
                clean_str(payload.get("message"))
                or clean_str(payload.get("originalMessage"), default=name),
                name,
                name,
            )
        elif name in _HANDLERS:
            if not self.builder.in_step and name not in ("messageStart", "metadata"):
                self._message_start({})
            _HANDLERS[name](self, payload)
        else:
            self.builder.raw(item, name)

    def _read_chunk(self, item: Any, data: Any) -> None:
        """Read a chunk of the model's own stream.

        Claude's goes through an Anthropic decoder with this same builder.
        """
        event = json.loads(data)
        if self._claude is None:
            if not AnthropicDecoder.recognises(event):
                self.builder.raw(event, "chunk")
                return
            self._claude = AnthropicDecoder()
            self._claude.builder = self.builder
        self._claude.read(event)
        self.stop_info = self._claude.stop_info

    # --- the message ---

    def _message_start(self, payload: Mapping[str, Any]) -> None:
        self.end_response()
        self.new_step()
        self._reset()

    def _message_stop(self, payload: Mapping[str, Any]) -> None:
        self._reason = clean_str(payload.get("stopReason"))
        self._terminal_seen = True
        if self._reason in _FAILED:
            self.fail(f"The model stopped with {self._reason}", self._reason)
        if self._usage is not None:  # the counts came before the end
            self.finish()

    def _metadata(self, payload: Mapping[str, Any]) -> None:
        if self.builder.in_step:
            self._usage = _read_usage(payload.get("usage"))
            if self._terminal_seen:
                self.finish()

    def finish(self) -> None:
        """End the message. Without `messageStop` it is truncated."""
        if self._claude is not None:
            self._claude.stop_info = self.stop_info
            self._claude.finish()
            self.stop_info = self._claude.stop_info
            return
        reason = self._reason
        for index in list(self._kinds):
            if self._terminal_seen or self._kinds[index] == "reasoning":
                self._finish_block(index)
        if self.stop_info.status == "failed":
            self.stop_info = self.stop_info._replace(finish_reason=reason)
        elif self._terminal_seen and self.stop_info is TRUNCATED:
            self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)
        self.builder.end_step(reason, self._usage)

    # --- content blocks ---

    def _key(self, index: Any) -> Hashable:
        return (self.builder.step, index)

    def _enter(self, index: Any, kind: str) -> bool:
        """Make a block the current one, and return True if it is new. Texts have no start event."""
        if self._kinds.get(index) == kind:
            return False
        if kind != "text":
            self.builder.end_text(self._key("text"))
        self._kinds[index] = kind
        return True

    def _block_start(self, payload: Mapping[str, Any]) -> None:
        index = payload.get("contentBlockIndex")
        start = fields_or_empty(payload.get("start"))
        builder = self.builder
        if "toolUse" in start:
            call = fields_or_empty(start["toolUse"])
            self._enter(index, "call")
            call_id = clean_str(call.get("toolUseId"))
            kind: ev.ToolKind = "hosted" if call.get("type") == "server_tool_use" else "function"
            block = builder.start_tool(
                self._key(index),
                clean_str(call.get("name"), default="function"),
                call_id=call_id,
                kind=kind,
            )
            if call_id is not None:
                self._calls[call_id] = block
        elif "toolResult" in start:
            result = fields_or_empty(start["toolResult"])
            self._enter(index, "result")
            call_id = clean_str(result.get("toolUseId"))
            name = clean_str(result.get("type"), default="tool")
            known = None
            if call_id:
                known = self._calls.get(call_id)
            block = known or builder.start_tool(
                self._key(index), name, call_id=call_id, kind="hosted"
            )
            self._results[index] = (block, result.get("status") == "error", [])
        elif "image" in start:
            self._enter(index, "image")
            self._images[index] = (
                builder.mint("file"),
                clean_str(fields_or_empty(start["image"]).get("format"), default="png"),
            )
        elif start:
            builder.raw(payload, "contentBlockStart")

    def _block_delta(self, payload: Mapping[str, Any]) -> None:
        index = payload.get("contentBlockIndex")
        delta = fields_or_empty(payload.get("delta"))
        builder = self.builder
        if "text" in delta:
            self._enter(index, "text")
            builder.text(self._key("text"), nonempty_str(delta["text"], default=""))
        elif "reasoningContent" in delta:
            self._write_reasoning(index, fields_or_empty(delta["reasoningContent"]))
        elif "toolUse" in delta and (block := builder.tool(self._key(index))) is not None:
            builder.tool_delta(
                block, nonempty_str(fields_or_empty(delta["toolUse"]).get("input"), default="")
            )
        elif "toolResult" in delta and index in self._results:
            self._results[index][2].extend(listed(delta["toolResult"]))
        elif "citation" in delta:
            self._enter(index, "text")
            self._cite(fields_or_empty(delta["citation"]))
        elif "image" in delta and index in self._images:
            self._write_image(index, fields_or_empty(delta["image"]))
        else:
            builder.raw(payload, "contentBlockDelta")

    def _write_reasoning(self, index: Any, reasoning: Mapping[str, Any]) -> None:
        key = self._key(index)
        if self._enter(index, "reasoning"):
            self.builder.start_reasoning(key)
        self.builder.reasoning(key, str_field(reasoning, "text", default=""))
        self._signatures[key] = self._signatures.get(key, "") + (
            str_field(reasoning, "signature", default="")
        )
        self._redacted[key] = self._redacted.get(key, "") + (
            base64_text(reasoning.get("redactedContent")) or ""
        )

    def _cite(self, citation: Mapping[str, Any]) -> None:
        text_id = self.builder.start_text(self._key("text")).id
        web = fields_or_empty(fields_or_empty(citation.get("location")).get("web"))
        source = clean_str(citation.get("source"))
        url = clean_str(web.get("url")) or (source if source and "://" in source else None)
        title = clean_str(citation.get("title"), default=source)
        self.builder.source(url, title=title, text_id=text_id, meta=to_jsonable(citation))

    def _write_image(self, index: Any, image: Mapping[str, Any]) -> None:
        file_id, image_format = self._images[index]
        source = fields_or_empty(image.get("source"))
        data, url = (
            base64_text(source.get("bytes")),
            clean_str(fields_or_empty(source.get("s3Location")).get("uri")),
        )
        if image.get("error"):
            self.fail_with(image["error"])
        elif data or url:
            self.builder.write(
                ev.File(
                    id=file_id,
                    media_type=f"image/{image_format}",
                    data=data,
                    url=url,
                    **self.builder.envelope,
                )
            )

    def _block_stop(self, payload: Mapping[str, Any]) -> None:
        self._finish_block(payload.get("contentBlockIndex"))

    def _finish_block(self, index: Any) -> None:
        key = self._key(index)
        kind = self._kinds.pop(index, "")
        if kind == "reasoning":
            signature, redacted = (
                clean_str(self._signatures.pop(key, "")),
                clean_str(self._redacted.pop(key, "")),
            )
            self.builder.end_reasoning(key, signature=signature, encrypted=redacted)
        elif kind == "call" and (block := self.builder.tool(key)) is not None:
            self.builder.tool_args(block)
        elif kind == "result":
            block, failed, pieces = self._results.pop(index)
            texts = [clean_str(fields_or_empty(piece).get("text")) for piece in pieces]
            message = "\n".join(filter(None, texts)) or "failed"
            self.builder.end_tool(block, pieces, failed=failed, message=message)


def _name_and_payload(item: Any) -> tuple[str, Mapping[str, Any]]:
    """Return an event's name and payload.

    The name is the only known key with a value, or the name of the frame.
    """
    payload = fields_or_empty(item)
    if payload.keys() == {"event", "data"}:
        return clean_str(payload["event"], default=""), fields_or_empty(payload["data"])
    names = [
        name
        for name, value in payload.items()
        if value is not None and (name in _NAMES or str(name).endswith(_EXCEPTION))
    ]
    if len(names) == 1:
        return (str(names[0]), fields_or_empty(payload[names[0]]))
    return ("", payload)


def _read_usage(usage: Any) -> ev.Usage | None:
    """Return the token counts, or None.

    Cache reads and writes are added to the input if the total counts them apart.
    """
    counts = {
        name: value for name, value in fields_or_empty(usage).items() if is_token_count(value)
    }
    if not counts:
        return None
    prompt, output, total = (
        counts.get("inputTokens"),
        counts.get("outputTokens"),
        counts.get("totalTokens"),
    )
    read, written = counts.get("cacheReadInputTokens"), counts.get("cacheWriteInputTokens")
    cached = (read or 0) + (written or 0)
    if prompt is not None and output is not None and total == prompt + output + cached:
        prompt += cached
    return ev.Usage(input=prompt, output=output, total=total, cache_read=read, cache_write=written)


_HANDLERS: dict[str, Callable[[BedrockDecoder, Mapping[str, Any]], None]] = {
    "messageStart": BedrockDecoder._message_start,
    "contentBlockStart": BedrockDecoder._block_start,
    "contentBlockDelta": BedrockDecoder._block_delta,
    "contentBlockStop": BedrockDecoder._block_stop,
    "messageStop": BedrockDecoder._message_stop,
    "metadata": BedrockDecoder._metadata,
}
_NAMES = {*_HANDLERS, "chunk"}
