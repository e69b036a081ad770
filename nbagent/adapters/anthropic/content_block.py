"""Blocks of Anthropic's messages: their state while they come, and what they hold."""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.fields import clean_str, fields_or_empty, str_field, to_jsonable


class ContentBlock:
    """Content block of a message.

    Attributes:
        kind: the block's type.
        key: key of its reasoning or tool call in the builder.
        tool: its tool call, if it is one.
        input: a call's arguments at its start; `{}` if they are streamed.
        signature: signature of a thinking block.
        summary: content and encrypted content of a compaction.
        done: True once the block ended.
    """

    def __init__(self, kind: str, key: Hashable) -> None:
        self.kind = kind
        self.key = key
        self.tool: Block | None = None
        self.input: Any = None
        self.signature = ""
        self.summary: dict[str, Any] = {}
        self.done = False


def summary_of(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a compaction, plain and encrypted."""
    return {
        name: to_jsonable(block[name])
        for name in ("content", "encrypted_content")
        if str_field(block, name)
    }


def content_text(content: Any) -> str | None:
    """Return the text of a result, which is a string or a list of blocks; None if it has none."""
    if not isinstance(content, list):
        return clean_str(content)
    texts: list[str] = []
    for entry in content:
        text = clean_str(fields_or_empty(entry).get("text"))
        if text:
            texts.append(text)
    return "\n".join(texts) or None
