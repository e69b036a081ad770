"""Amazon Bedrock's ConverseStream, and a Claude model's own stream through InvokeModelWithResponseStream.

The format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html. Takes the events of boto3's
`response["stream"]` (or `response["body"]` of the other call) as dicts: `{"contentBlockDelta": {…}}`; or what a reader of the
binary frames has, `{"event": "contentBlockDelta", "data": {…}}`.

What it cannot say: the model's name, results of the client's own tools, approvals, agents and hand-offs. The counts come after
the event that ends the message, so that a stream without them is whole all the same.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.anthropic.decoder import AnthropicDecoder
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import base64_text, fields_or_none, is_count, label, plain, string

_CUT_SHORT = {"max_tokens", "model_context_window_exceeded", "guardrail_intervened", "content_filtered"}
_FAILED = {"malformed_model_output", "malformed_tool_use"}
_EXCEPTION = "Exception"


class BedrockDecoder(BaseDecoder):
    """ConverseStream events to events. A message is a step; text blocks that follow each other are one text."""

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
        self._sealed: dict[Hashable, str] = {}
        self._results: dict[Any, tuple[Block, bool, list[Any]]] = {}
        self._images: dict[Any, tuple[str, str]] = {}
        self._usage: ev.Usage | None = None
        self._reason: str | None = None
        self._whole = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is an event of either call, or one of its exceptions."""
        name, said = _event_of(item)
        if name == "chunk":
            return isinstance(said.get("bytes"), bytes | str)
        if name == "metadata":  # a word of many
            return "usage" in said
        return name in _HANDLERS or (name.endswith(_EXCEPTION) and "message" in said)

    def read(self, item: Any) -> None:
        """One event."""
        name, said = _event_of(item)
        if name == "chunk" and "bytes" in said:
            self._read_chunk(item, said["bytes"])
        elif name.endswith(_EXCEPTION):
            self.fail(label(said.get("message")) or label(said.get("originalMessage")) or name, name, name)
        elif name in _HANDLERS:
            if not self.book.in_step and name not in ("messageStart", "metadata"):
                self._message_start({})
            _HANDLERS[name](self, said)
        else:
            self.book.raw(item, name or None)

    def _read_chunk(self, item: Any, data: Any) -> None:
        """A piece of a model's own stream: Claude's is read as such, into this same book."""
        payload = json.loads(data)
        if self._claude is None:
            if not AnthropicDecoder.recognises(payload):
                self.book.raw(payload, "chunk")
                return
            self._claude = AnthropicDecoder()
            self._claude.book = self.book
        self._claude.read(payload)
        self.verdict = self._claude.verdict

    # --- the message ----------------------------------------------------------------------------------------------------

    def _message_start(self, said: Mapping[str, Any]) -> None:
        if self.book.in_step:
            self.finish()
        self.new_step()
        self._reset()

    def _message_stop(self, said: Mapping[str, Any]) -> None:
        self._reason = label(said.get("stopReason"))
        self._whole = True
        if self._reason in _FAILED:
            self.fail(f"The model stopped with {self._reason}", self._reason)
        if self._usage is not None:  # it came first
            self.finish()

    def _metadata(self, said: Mapping[str, Any]) -> None:
        if self.book.in_step:
            self._usage = _usage_of(said.get("usage"))
            if self._whole:
                self.finish()

    def finish(self) -> None:
        """The message is over; the event that gives its stop reason makes it whole."""
        if self._claude is not None:
            self._claude.verdict = self.verdict
            self._claude.finish()
            self.verdict = self._claude.verdict
            return
        reason = self._reason
        for index in list(self._kinds):
            if self._whole or self._kinds[index] == "thought":
                self._finish_block(index)
        if self.verdict.status == "failed":
            self.verdict = self.verdict._replace(finish_reason=reason)
        elif self._whole and self.verdict is TRUNCATED:
            self.verdict = Verdict("incomplete", reason, reason) if reason in _CUT_SHORT else Verdict("completed", reason)
        self.book.end_step(reason, self._usage)

    # --- content blocks -------------------------------------------------------------------------------------------------

    def _key(self, index: Any) -> Hashable:
        return (self.book.step, index)

    def _enter(self, index: Any, kind: str) -> bool:
        """Into a block of that kind; whether it begins only now. Texts have no start event."""
        if self._kinds.get(index) == kind:
            return False
        if kind != "text":
            self.book.end_text(self._key("text"))
        self._kinds[index] = kind
        return True

    def _block_start(self, said: Mapping[str, Any]) -> None:
        index = said.get("contentBlockIndex")
        start = fields_or_none(said.get("start"))
        book = self.book
        if "toolUse" in start:
            call = fields_or_none(start["toolUse"])
            self._enter(index, "call")
            call_id = label(call.get("toolUseId"))
            kind: ev.ToolKind = "hosted" if call.get("type") == "server_tool_use" else "function"
            block = book.start_tool(self._key(index), label(call.get("name")) or "function", call_id=call_id, kind=kind)
            if call_id is not None:
                self._calls[call_id] = block
        elif "toolResult" in start:
            result = fields_or_none(start["toolResult"])
            self._enter(index, "result")
            call_id = label(result.get("toolUseId"))
            name = label(result.get("type")) or "tool"
            known = self._calls.get(call_id) if call_id else None
            block = known or book.start_tool(self._key(index), name, call_id=call_id, kind="hosted")
            self._results[index] = (block, result.get("status") == "error", [])
        elif "image" in start:
            self._enter(index, "image")
            self._images[index] = (book.mint("file"), label(fields_or_none(start["image"]).get("format")) or "png")
        elif start:
            book.raw(said, "contentBlockStart")

    def _block_delta(self, said: Mapping[str, Any]) -> None:
        index = said.get("contentBlockIndex")
        delta = fields_or_none(said.get("delta"))
        book = self.book
        if "text" in delta:
            self._enter(index, "text")
            book.text(self._key("text"), string(delta["text"]) or "")
        elif "reasoningContent" in delta:
            self._reasoning(index, fields_or_none(delta["reasoningContent"]))
        elif "toolUse" in delta and (block := book.tool(self._key(index))) is not None:
            book.tool_delta(block, string(fields_or_none(delta["toolUse"]).get("input")) or "")
        elif "toolResult" in delta and index in self._results:
            pieces = delta["toolResult"]
            self._results[index][2].extend(pieces if isinstance(pieces, list) else [pieces])
        elif "citation" in delta:
            self._enter(index, "text")
            self._cite(fields_or_none(delta["citation"]))
        elif "image" in delta and index in self._images:
            self._image(index, fields_or_none(delta["image"]))
        else:
            book.raw(said, "contentBlockDelta")

    def _reasoning(self, index: Any, said: Mapping[str, Any]) -> None:
        key = self._key(index)
        if self._enter(index, "thought"):
            self.book.start_thought(key)
        self.book.thought(key, string(said.get("text")) or "")
        self._signatures[key] = self._signatures.get(key, "") + (string(said.get("signature")) or "")
        self._sealed[key] = self._sealed.get(key, "") + (base64_text(said.get("redactedContent")) or "")

    def _cite(self, said: Mapping[str, Any]) -> None:
        book = self.book
        text_id = book.start_text(self._key("text")).id
        web = fields_or_none(fields_or_none(said.get("location")).get("web"))
        source = label(said.get("source"))
        url = label(web.get("url")) or (source if source and "://" in source else None)
        title = label(said.get("title")) or source
        meta = plain(said)
        book.write(ev.Source(id=book.mint("source"), url=url, title=title, text_id=text_id, meta=meta, **book.stamp))

    def _image(self, index: Any, said: Mapping[str, Any]) -> None:
        file_id, form = self._images[index]
        source = fields_or_none(said.get("source"))
        data, url = base64_text(source.get("bytes")), label(fields_or_none(source.get("s3Location")).get("uri"))
        if said.get("error"):
            self.fail_with(said["error"])
        elif data or url:
            self.book.write(ev.File(id=file_id, media_type=f"image/{form}", data=data, url=url, **self.book.stamp))

    def _block_stop(self, said: Mapping[str, Any]) -> None:
        self._finish_block(said.get("contentBlockIndex"))

    def _finish_block(self, index: Any) -> None:
        key = self._key(index)
        kind = self._kinds.pop(index, "")
        if kind == "thought":
            signature, sealed = label(self._signatures.pop(key, "")), label(self._sealed.pop(key, ""))
            self.book.end_thought(key, signature=signature, encrypted=sealed)
        elif kind == "call" and (block := self.book.tool(key)) is not None:
            self.book.tool_args(block)
        elif kind == "result":
            block, failed, pieces = self._results.pop(index)
            words = [label(fields_or_none(piece).get("text")) for piece in pieces]
            error = ev.ErrorInfo(message="\n".join(filter(None, words)) or "failed") if failed else None
            self.book.tool_result(block, pieces, status="error" if failed else "ok", error=error)


def _event_of(item: Any) -> tuple[str, Mapping[str, Any]]:
    """An event's name and what it says: the one key that has something under it, or the frame's own name."""
    said = fields_or_none(item)
    if said.keys() == {"event", "data"}:
        return label(said["event"]) or "", fields_or_none(said["data"])
    found = [name for name, value in said.items() if value is not None and (name in _NAMES or str(name).endswith(_EXCEPTION))]
    return (str(found[0]), fields_or_none(said[found[0]])) if len(found) == 1 else ("", said)


def _usage_of(usage: Any) -> ev.Usage | None:
    """Token counts in our terms: what the cache gave and took is counted apart from the input, as the total shows."""
    said = {name: value for name, value in fields_or_none(usage).items() if is_count(value)}
    if not said:
        return None
    sent, made, total = said.get("inputTokens"), said.get("outputTokens"), said.get("totalTokens")
    read, written = said.get("cacheReadInputTokens"), said.get("cacheWriteInputTokens")
    apart = (read or 0) + (written or 0)
    if sent is not None and made is not None and total == sent + made + apart:
        sent += apart
    return ev.Usage(input=sent, output=made, total=total, cache_read=read, cache_write=written)


_HANDLERS: dict[str, Callable[[BedrockDecoder, Mapping[str, Any]], None]] = {
    "messageStart": BedrockDecoder._message_start,
    "contentBlockStart": BedrockDecoder._block_start,
    "contentBlockDelta": BedrockDecoder._block_delta,
    "contentBlockStop": BedrockDecoder._block_stop,
    "messageStop": BedrockDecoder._message_stop,
    "metadata": BedrockDecoder._metadata,
}
_NAMES = {*_HANDLERS, "chunk"}
