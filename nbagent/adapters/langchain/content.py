"""Content of one LangChain message: text, reasoning, tool calls, citations, files and token counts.

Format: https://github.com/langchain-ai/langchain/tree/master/libs/core/langchain_core/messages
(langchain-core 1.7).
"""

import json
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import (
    fields_or_empty,
    get_field,
    get_str,
    nonempty_str,
    str_field,
    str_or_none,
    to_jsonable,
    token_count,
)
from nbagent.adapters.base.openai_fields import citation_fields

_TEXT_TYPES = {"text", "output_text", "text_delta"}
_FILE_TYPES = {"image", "audio", "video", "file", "image_url"}
_CALL_TYPES = {
    "tool_call",
    "tool_call_chunk",
    "tool_use",
    "input_json_delta",
    "function_call",
    "invalid_tool_call",
}


def langchain_usage(usage_metadata: Any) -> ev.Usage | None:
    """Return the token counts of a message's `usage_metadata`, or None if it is empty."""
    counts = fields_or_empty(usage_metadata)
    if not counts:
        return None
    input_details = fields_or_empty(counts.get("input_token_details"))
    output_details = fields_or_empty(counts.get("output_token_details"))
    return ev.Usage(
        input=token_count(counts.get("input_tokens")),
        output=token_count(counts.get("output_tokens")),
        total=token_count(counts.get("total_tokens")),
        reasoning=token_count(output_details.get("reasoning")),
        cache_read=token_count(input_details.get("cache_read")),
        cache_write=token_count(input_details.get("cache_creation")),
    )


class ToolCallChunk(NamedTuple):
    """Part of a tool call.

    Attributes:
        index: identifies the call within its message, or None.
        call_id: the provider's id, or None.
        name: the tool's name, or None.
        args: a delta of the arguments' text, or all arguments parsed.
    """

    index: Any
    call_id: str | None
    name: str | None
    args: Any


def tool_call_chunks(chunk: Any) -> Iterator[ToolCallChunk]:
    """Yield the tool calls of a message chunk.

    `tool_calls` of a chunk is a guess from the pieces so far, so it is used only if there are no
    pieces.
    """
    pieces = get_field(chunk, "tool_call_chunks")
    for piece in pieces or ():
        yield ToolCallChunk(
            get_field(piece, "index"),
            get_str(piece, "id"),
            get_str(piece, "name"),
            get_field(piece, "args") or "",
        )
    if not pieces:
        for call in get_field(chunk, "tool_calls") or ():
            if get_str(call, "name"):
                yield ToolCallChunk(
                    None,
                    get_str(call, "id"),
                    get_str(call, "name"),
                    get_field(call, "args") or {},
                )


class ContentPart(NamedTuple):
    """Part of a message's content.

    Attributes:
        kind: the kind of block that it belongs to.
        block_index: identifies the block within its message.
        text: a delta, or the whole text.
        entry: the fields of the content block; empty for plain text.
    """

    kind: Literal["text", "refusal", "reasoning", "other"]
    block_index: Hashable
    text: str
    entry: Mapping[str, Any]


def content_parts(message: Any) -> Iterator[ContentPart]:
    """Yield the parts of a message's or a chunk's content: a string, or a list of blocks in any
    provider's format.
    """
    extra = fields_or_empty(get_field(message, "additional_kwargs"))
    reasoning = extra.get("reasoning_content")
    if isinstance(reasoning, str) and reasoning:
        yield ContentPart("reasoning", "extra", reasoning, {})
    for summary in fields_or_empty(extra.get("reasoning")).get("summary") or ():
        yield ContentPart("reasoning", "extra", get_str(summary, "text", default=""), {})
    content = get_field(message, "content")
    for number, block in enumerate(content if isinstance(content, list | tuple) else [content]):
        if isinstance(block, str):
            yield ContentPart("text", "text", block, {})
            continue
        entry = fields_or_empty(block)
        kind = entry.get("type")
        index = entry.get("index", number)
        if kind in _TEXT_TYPES:
            yield ContentPart("text", index, str_field(entry, "text", default=""), entry)
        elif kind == "refusal":
            yield ContentPart("refusal", index, str_field(entry, "refusal", default=""), entry)
        elif kind in (
            "thinking",
            "reasoning",
            "reasoning_content",
            "redacted_thinking",
            "thinking_delta",
        ):
            yield ContentPart("reasoning", index, _reasoning_text(entry), entry)
        elif entry:
            yield ContentPart("other", index, "", entry)
    refusal = extra.get("refusal")
    if isinstance(refusal, str) and refusal:
        yield ContentPart("refusal", "refusal", refusal, {})


def _reasoning_text(entry: Mapping[str, Any]) -> str:
    """Return the text of a reasoning block in any provider's format."""
    for name in ("thinking", "reasoning", "text"):
        if isinstance(entry.get(name), str):
            return str(entry[name])
    inner = entry.get("reasoning_content")
    if inner is not None:
        if isinstance(inner, str):
            return inner
        return get_str(inner, "text", default="")
    parts = entry.get("summary") or entry.get("content") or ()
    if isinstance(parts, list):
        return "\n\n".join(get_str(part, "text", default="") for part in parts)
    return ""


class Content:
    """Writes the content of one message.

    Attributes:
        tools: its tool calls, by index or id.
    """

    def __init__(self, builder: EventBuilder, key: Hashable) -> None:
        self._builder = builder
        self._key = key
        self._texts: dict[Hashable, Block] = {}
        self._reasoning: dict[Hashable, dict[str, Any]] = {}
        self._seen: set[str] = set()
        self._hosted: dict[Hashable, Block] = {}
        self.tools: dict[Hashable, Block] = {}

    def write(self, chunk: Any) -> None:
        """Write the content of a chunk."""
        for part in content_parts(chunk):
            key = (self._key, part.kind, part.block_index)
            if part.kind == "reasoning":
                self._write_reasoning(key, part)
            elif part.kind == "other":
                self._write_other(part)
            else:
                self._write_text(key, part)

    def _write_text(self, key: Hashable, part: ContentPart) -> None:
        if part.text:
            self._end_reasoning()
        block = self._builder.text(
            key, part.text, kind="refusal" if part.kind == "refusal" else "text"
        )
        if block is not None:
            self._texts[key] = block
        self._cite(part.entry, block)

    def _write_reasoning(self, key: Hashable, part: ContentPart) -> None:
        block = self._builder.reasoning(key, part.text)
        signature = nonempty_str(part.entry.get("signature")) or nonempty_str(
            get_field(part.entry.get("reasoning_content"), "signature")
        )
        encrypted = nonempty_str(part.entry.get("data")) or nonempty_str(
            part.entry.get("encrypted_content")
        )
        if block is None and (signature or encrypted):
            block = self._builder.start_reasoning(key)
        if block is not None:
            seals = self._reasoning.setdefault(key, {})
            if signature:
                seals["signature"] = seals.get("signature", "") + signature
            if encrypted:
                seals["encrypted"] = encrypted

    def _end_reasoning(self, texts: list[str] | None = None) -> None:
        matched: list[str] | list[None] = [None] * len(self._reasoning)
        if texts is not None and len(texts) == len(self._reasoning):
            matched = texts
        for (key, seals), text in zip(self._reasoning.items(), matched, strict=True):
            self._builder.end_reasoning(key, text or None, **seals)
        self._reasoning.clear()

    def complete(self, message: Any) -> None:
        """Complete the message from its final form: replace the streamed parts that can be matched,
        and add the others.
        """
        if not self._texts and not self.tools and not self._reasoning:
            self.write(message)
        else:
            parts = list(content_parts(message))
            self._end_reasoning([part.text for part in parts if part.kind == "reasoning"])
            texts = [part for part in parts if part.kind in ("text", "refusal") and part.text]
            if not self._texts:
                for part in texts:
                    self._write_text((self._key, part.kind, part.block_index), part)
            elif len(texts) == len(self._texts):
                for key, part in zip(self._texts, texts, strict=True):
                    self._builder.end_text(key, part.text)
            for part in parts:
                if part.kind == "other":
                    self._write_other(part)
                elif part.kind == "text":
                    self._cite(part.entry, next(iter(self._texts.values()), None))
        calls = [call for call in get_field(message, "tool_calls") or () if get_str(call, "name")]
        for number, call in enumerate(calls):
            self._complete_call(
                number,
                ToolCallChunk(
                    number, get_str(call, "id"), get_str(call, "name"), get_field(call, "args")
                ),
            )
        for call in get_field(message, "invalid_tool_calls") or ():
            piece = ToolCallChunk(
                None, get_str(call, "id"), get_str(call, "name"), get_field(call, "args") or ""
            )
            if piece.name:
                self._complete_call(len(self.tools), piece)

    def complete_block(self, index: Any, entry: Mapping[str, Any]) -> None:
        """Complete one content block of the message."""
        kind = str_field(entry, "type", default="")
        if kind in ("tool_call", "invalid_tool_call"):
            if index not in self.tools:
                self.call(
                    ToolCallChunk(index, str_field(entry, "id"), str_field(entry, "name"), "")
                )
            block = self.tools.get(index)
            if block is not None:
                args = entry.get("args")
                streamed = bool(block.args_pieces) or isinstance(args, str)
                self._builder.tool_args(block, str_or_none(args), args=None if streamed else args)
            return
        for part in content_parts({"content": [{**entry, "index": index}]}):
            key: Hashable = (self._key, part.kind, part.block_index)
            if part.kind == "reasoning" and self._builder.open_reasoning(key) is not None:
                self._write_reasoning(key, part._replace(text=""))
                self._builder.end_reasoning(key, part.text or None, **self._reasoning.pop(key, {}))
            elif part.kind == "reasoning":
                self._write_reasoning(key, part)
                self._end_reasoning()
            elif part.kind == "other":
                self._write_other(part)
            else:
                block = self._texts.get(key) or self._builder.text(key, part.text)
                if block is not None:
                    self._texts[key] = block
                    self._cite(part.entry, block)
                    self._builder.end_text(key, part.text or None)

    def _complete_call(self, number: int, call: ToolCallChunk) -> None:
        streamed = list(self.tools.values())
        block = next(
            (block for block in streamed if call.call_id and block.call_id == call.call_id), None
        )
        if (
            block is None
            and number < len(streamed)
            and not streamed[number].args_complete
            and streamed[number].call_id is None
        ):
            block = streamed[number]
        if block is None:
            block = self._start(("complete", call.call_id or number), call)
        text = str_or_none(call.args)
        if not block.args_pieces:
            self._builder.tool_args(
                block, text, args=None if isinstance(call.args, str) else call.args
            )

    def call(self, call: ToolCallChunk) -> Block | None:
        """Write part of a tool call, which starts with its name. Return None while it has none."""
        key: Hashable = call.index if call.index is not None else call.call_id
        if key is None and self.tools and not call.name:
            key = next(reversed(self.tools))
        block = self.tools.get(key)
        is_another = bool(
            block and call.name and call.call_id and block.call_id and call.call_id != block.call_id
        )
        if block is None or is_another:  # some servers give every call the same index
            if not call.name:
                return None
            if block is not None:
                self.tools[key, block.call_id] = self.tools.pop(key)
            self._end_reasoning()
            block = self._start(key, call)
        if isinstance(call.args, str):
            self._builder.tool_delta(block, call.args)
        else:
            self._builder.tool_args(block, args=call.args)
        return block

    def _start(self, key: Hashable, call: ToolCallChunk) -> Block:
        block = self._builder.start_tool(
            (self._key, "tool", key), call.name or "tool", call_id=call.call_id
        )
        self.tools[key] = block
        return block

    def _write_other(self, part: ContentPart) -> None:
        """Write a block that is neither text nor reasoning: a file, a hosted tool, or an unknown
        type. Repeats are skipped.
        """
        entry = part.entry
        kind = str_field(entry, "type", default="")
        builder = self._builder
        if kind in _CALL_TYPES or set(entry) <= {"index", "type", "id"}:
            return  # the message's tool calls have it, too
        fingerprint = json.dumps(to_jsonable(entry), sort_keys=True, default=str)
        if kind in _FILE_TYPES and fingerprint not in self._seen:
            url = (
                entry.get("url")
                or get_field(entry.get("image_url"), "url")
                or entry.get("image_url")
            )
            media = str_field(entry, "mime_type") or {"image_url": "image/*"}.get(kind, f"{kind}/*")
            data = str_field(entry, "base64", "data")
            builder.file(media, url=nonempty_str(url), data=data)
        elif kind in ("server_tool_call", "server_tool_call_chunk", "server_tool_use"):
            self._server_call(entry)
        elif kind == "server_tool_result" or kind.endswith("_tool_result"):
            self._server_result(entry)
        elif fingerprint not in self._seen:
            builder.raw(entry, kind or None)
        self._seen.add(fingerprint)

    def _server_call(self, entry: Mapping[str, Any]) -> None:
        call_id = str_field(entry, "id")
        name = str_field(entry, "name")
        block = (
            self._hosted.get(call_id) if call_id else next(reversed(self._hosted.values()), None)
        )
        if block is None or (name and not call_id):
            block = self._builder.start_tool(
                (self._key, "hosted", call_id), name or "tool", call_id=call_id, kind="hosted"
            )
            self._hosted[call_id or block.id] = block
        args = entry.get("args", entry.get("input", entry.get("partial_json")))
        if isinstance(args, str):
            self._builder.tool_delta(block, args)
        elif args:
            self._builder.tool_args(block, args=args)

    def _server_result(self, entry: Mapping[str, Any]) -> None:
        call_id = str_field(entry, "tool_call_id", "tool_use_id")
        block = self._hosted.get(call_id)
        if block is None:
            block = self._builder.start_tool(
                (self._key, "hosted", call_id), "tool", call_id=call_id, kind="hosted"
            )
        self._builder.tool_args(block)
        content = entry.get("output", entry.get("content"))
        kind = str(get_field(content, "type"))
        if entry.get("status") == "error" or kind.endswith("_error"):
            message = str(get_field(content, "error_code") or "")
            self._builder.tool_error(block, message, content)
        else:
            self._builder.tool_result(block, content)

    def _cite(self, entry: Mapping[str, Any], block: Block | None) -> None:
        for citation in [*(entry.get("annotations") or ()), *(entry.get("citations") or ())]:
            fingerprint = json.dumps(to_jsonable(citation), sort_keys=True, default=str)
            if fingerprint not in self._seen:
                self._seen.add(fingerprint)
                url, title, meta = citation_fields(citation)
                self._builder.source(
                    url, title=title, text_id=None if block is None else block.id, meta=meta
                )

    def close(self) -> None:
        """End the message: close its text, reasoning and arguments."""
        self._end_reasoning()
        for key in self._texts:
            self._builder.end_text(key)
        for block in (*self.tools.values(), *self._hosted.values()):
            self._builder.tool_args(block)
