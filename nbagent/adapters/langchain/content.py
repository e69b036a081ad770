"""Content of one LangChain message: text, reasoning, tool calls, citations and files."""

import json
from collections.abc import Hashable, Mapping
from typing import Any, Literal

from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import (
    entries_in,
    get_str,
    nonempty_str,
    str_field,
    str_or_none,
    to_jsonable,
)
from nbagent.adapters.base.openai_fields import citation_fields
from nbagent.adapters.langchain.hosted_calls import HostedCalls
from nbagent.adapters.langchain.parts import (
    ContentPart,
    ToolCallChunk,
    complete_calls,
    content_parts,
    invalid_calls,
)

_FILE_TYPES = {"image", "audio", "video", "file", "image_url"}
_CALL_TYPES = {
    "tool_call",
    "tool_call_chunk",
    "tool_use",
    "input_json_delta",
    "function_call",
    "invalid_tool_call",
}


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
        self._hosted = HostedCalls(builder, key)
        self.tools: dict[Hashable, Block] = {}

    def write(self, chunk: Any) -> None:
        """Write the content of a chunk."""
        for part in content_parts(chunk):
            self._write_part(part)

    def complete(self, message: Any) -> None:
        """Complete the message from its final form: replace the streamed parts that can be matched,
        and add the others.
        """
        if self._texts or self.tools or self._reasoning:
            self._complete_parts(list(content_parts(message)))
        else:
            self.write(message)
        for number, call in enumerate(complete_calls(message)):
            self._complete_call(number, call)
        for call in invalid_calls(message):
            self._complete_call(len(self.tools), call)

    def complete_block(self, index: Any, entry: Mapping[str, Any]) -> None:
        """Complete one content block of the message."""
        if entry.get("type") in ("tool_call", "invalid_tool_call"):
            self._complete_call_block(index, entry)
            return
        complete = {"reasoning": self._complete_reasoning, "other": self._write_other}
        for part in content_parts({"content": [{**entry, "index": index}]}):
            complete.get(part.kind, self._complete_text)(part)

    def call(self, call: ToolCallChunk) -> Block | None:
        """Write part of a tool call, which starts with its name. Return None while it has none."""
        key: Hashable = call.index if call.index is not None else call.call_id
        if key is None and self.tools and not call.name:
            key = next(reversed(self.tools))
        block = self.tools.get(key)
        if block is None or _is_another(call, block):
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

    def close(self) -> None:
        """End the message: close its text, reasoning and arguments."""
        self._end_reasoning()
        for key in self._texts:
            self._builder.end_text(key)
        for block in self.tools.values():
            self._builder.tool_args(block)
        self._hosted.close()

    # --- parts ---

    def _write_part(self, part: ContentPart) -> None:
        if part.kind == "reasoning":
            self._write_reasoning(part)
        elif part.kind == "other":
            self._write_other(part)
        else:
            self._write_text(part)

    def _key_of(self, part: ContentPart) -> Hashable:
        return (self._key, part.kind, part.block_index)

    def _complete_parts(self, parts: list[ContentPart]) -> None:
        self._end_reasoning([part.text for part in parts if part.kind == "reasoning"])
        texts = [part for part in parts if part.kind in ("text", "refusal") and part.text]
        self._complete_texts(texts)
        for part in parts:
            if part.kind == "other":
                self._write_other(part)
            elif part.kind == "text":
                self._cite(part.entry, next(iter(self._texts.values()), None))

    def _complete_texts(self, texts: list[ContentPart]) -> None:
        """Write the final texts: in place of the streamed ones if there is one for each."""
        if not self._texts:
            for part in texts:
                self._write_text(part)
        elif len(texts) == len(self._texts):
            for key, part in zip(self._texts, texts, strict=True):
                self._builder.end_text(key, part.text)

    def _write_text(self, part: ContentPart) -> None:
        if part.text:
            self._end_reasoning()
        key = self._key_of(part)
        kind: Literal["text", "refusal"] = "refusal" if part.kind == "refusal" else "text"
        block = self._builder.text(key, part.text, kind=kind)
        if block is not None:
            self._texts[key] = block
        self._cite(part.entry, block)

    def _complete_text(self, part: ContentPart) -> None:
        key = self._key_of(part)
        block = self._texts.get(key) or self._builder.text(key, part.text)
        if block is not None:
            self._texts[key] = block
            self._cite(part.entry, block)
            self._builder.end_text(key, part.text or None)

    def _write_reasoning(self, part: ContentPart) -> None:
        key, entry = self._key_of(part), part.entry
        block = self._builder.reasoning(key, part.text)
        inner = entry.get("reasoning_content")
        signature = str_field(entry, "signature") or get_str(inner, "signature")
        encrypted = str_field(entry, "data", "encrypted_content")
        if signature or encrypted:
            block = block or self._builder.start_reasoning(key)
        if block is None:
            return
        seals = self._reasoning.setdefault(key, {})
        if signature:
            seals["signature"] = seals.get("signature", "") + signature
        if encrypted:
            seals["encrypted"] = encrypted

    def _complete_reasoning(self, part: ContentPart) -> None:
        key = self._key_of(part)
        if self._builder.open_reasoning(key) is None:
            self._write_reasoning(part)
            self._end_reasoning()
        else:
            self._write_reasoning(part._replace(text=""))
            self._builder.end_reasoning(key, part.text or None, **self._reasoning.pop(key, {}))

    def _end_reasoning(self, texts: list[str] | None = None) -> None:
        """End the open reasoning, with the final texts if there is one for each block."""
        matched: list[str] | list[None] = [None] * len(self._reasoning)
        if texts is not None and len(texts) == len(self._reasoning):
            matched = texts
        for (key, seals), text in zip(self._reasoning.items(), matched, strict=True):
            self._builder.end_reasoning(key, text or None, **seals)
        self._reasoning.clear()

    def _write_other(self, part: ContentPart) -> None:
        """Write a block that is neither text nor reasoning: a file, a hosted tool, or an unknown
        type. Repeats of files and of unknown types are skipped.
        """
        entry = part.entry
        kind = str_field(entry, "type", default="")
        if kind in _CALL_TYPES or set(entry) <= {"index", "type", "id"}:
            return  # the message's tool calls have it, too
        if self._hosted.read(kind, entry) or self._was_seen(entry):
            return
        if kind in _FILE_TYPES:
            self._write_file(kind, entry)
        else:
            self._builder.raw(entry, kind)

    def _write_file(self, kind: str, entry: Mapping[str, Any]) -> None:
        image = entry.get("image_url")
        url = str_field(entry, "url") or get_str(image, "url") or nonempty_str(image)
        media_type = "image/*" if kind == "image_url" else f"{kind}/*"
        media_type = str_field(entry, "mime_type", default=media_type)
        self._builder.file(media_type, url=url, data=str_field(entry, "base64", "data"))

    def _cite(self, entry: Mapping[str, Any], block: Block | None) -> None:
        for citation in (*entries_in(entry, "annotations"), *entries_in(entry, "citations")):
            if not self._was_seen(citation):
                url, title, meta = citation_fields(citation)
                text_id = block_id(block)
                self._builder.source(url, title=title, text_id=text_id, meta=meta)

    def _was_seen(self, value: Any) -> bool:
        """Return True if the message had the same value before."""
        fingerprint = json.dumps(to_jsonable(value), sort_keys=True, default=str)
        if fingerprint in self._seen:
            return True
        self._seen.add(fingerprint)
        return False

    # --- tool calls ---

    def _complete_call(self, number: int, call: ToolCallChunk) -> None:
        block = self._streamed_call(number, call.call_id)
        if block is None:
            block = self._start(("complete", call.call_id or number), call)
        if not block.args_pieces:
            self._builder.final_args(block, call.args)

    def _streamed_call(self, number: int, call_id: str | None) -> Block | None:
        """Return the streamed call of that id, or the one of that number if it has no id."""
        streamed = list(self.tools.values())
        for block in streamed:
            if call_id and block.call_id == call_id:
                return block
        if number < len(streamed):
            block = streamed[number]
            if not block.args_complete and block.call_id is None:
                return block
        return None

    def _complete_call_block(self, index: Any, entry: Mapping[str, Any]) -> None:
        if index not in self.tools:
            call_id, name = str_field(entry, "id"), str_field(entry, "name")
            self.call(ToolCallChunk(index, call_id, name, ""))
        block = self.tools.get(index)
        if block is None:
            return
        args = entry.get("args")
        if block.args_pieces:
            self._builder.tool_args(block, str_or_none(args))
        else:
            self._builder.final_args(block, args)

    def _start(self, key: Hashable, call: ToolCallChunk) -> Block:
        block = self._builder.start_tool((self._key, "tool", key), call.name, call_id=call.call_id)
        self.tools[key] = block
        return block


def _is_another(call: ToolCallChunk, block: Block) -> bool:
    """Return True if a piece belongs to another call than the one under its index: some servers
    give every call the same index.
    """
    if not call.name or not call.call_id or not block.call_id:
        return False
    return call.call_id != block.call_id
