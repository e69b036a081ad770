"""Parts of a LangChain message: pieces of text, of reasoning and of tool calls, and token counts.

Format: https://github.com/langchain-ai/langchain/tree/master/libs/core/langchain_core/messages
(langchain-core 1.7).
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nbagent import events as ev
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    listed,
    str_field,
    token_count,
)

_TEXT_TYPES = {"text", "output_text", "text_delta"}
_REASONING_TYPES = {
    "thinking",
    "reasoning",
    "reasoning_content",
    "redacted_thinking",
    "thinking_delta",
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
        yield _call(piece, get_field(piece, "index"), get_field(piece, "args") or "")
    if not pieces:
        for call in entries_in(chunk, "tool_calls"):
            if get_str(call, "name"):
                yield _call(call, None, get_field(call, "args") or {})


def complete_calls(message: Any) -> Iterator[ToolCallChunk]:
    """Yield the tool calls of a whole message, with their numbers as indices."""
    named = (call for call in entries_in(message, "tool_calls") if get_str(call, "name"))
    for number, call in enumerate(named):
        yield _call(call, number, get_field(call, "args"))


def invalid_calls(message: Any) -> Iterator[ToolCallChunk]:
    """Yield the calls of a whole message whose arguments are not JSON."""
    for call in entries_in(message, "invalid_tool_calls"):
        if get_str(call, "name"):
            yield _call(call, None, get_field(call, "args") or "")


def _call(call: Any, index: Any, args: Any) -> ToolCallChunk:
    return ToolCallChunk(index, get_str(call, "id"), get_str(call, "name"), args)


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
    reasoning = str_field(extra, "reasoning_content")
    if reasoning:
        yield ContentPart("reasoning", "extra", reasoning, {})
    for summary in entries_in(fields_or_empty(extra.get("reasoning")), "summary"):
        yield ContentPart("reasoning", "extra", get_str(summary, "text", default=""), {})
    for number, block in enumerate(listed(get_field(message, "content"))):
        yield from _parts_of_block(number, block)
    refusal = str_field(extra, "refusal")
    if refusal:
        yield ContentPart("refusal", "refusal", refusal, {})


def _parts_of_block(number: int, block: Any) -> Iterator[ContentPart]:
    if isinstance(block, str):
        yield ContentPart("text", "text", block, {})
        return
    entry = fields_or_empty(block)
    kind = entry.get("type")
    index = entry.get("index", number)
    if kind in _TEXT_TYPES:
        yield ContentPart("text", index, str_field(entry, "text", default=""), entry)
    elif kind == "refusal":
        yield ContentPart("refusal", index, str_field(entry, "refusal", default=""), entry)
    elif kind in _REASONING_TYPES:
        yield ContentPart("reasoning", index, _reasoning_text(entry), entry)
    elif entry:
        yield ContentPart("other", index, "", entry)


def _reasoning_text(entry: Mapping[str, Any]) -> str:
    """Return the text of a reasoning block in any provider's format."""
    for name in ("thinking", "reasoning", "text"):
        if isinstance(entry.get(name), str):
            return str(entry[name])
    inner = entry.get("reasoning_content")
    if isinstance(inner, str):
        return inner
    if inner is not None:
        return get_str(inner, "text", default="")
    parts = entry.get("summary") or entry.get("content")
    if isinstance(parts, list):
        return "\n\n".join(get_str(part, "text", default="") for part in parts)
    return ""
