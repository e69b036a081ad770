"""`ContentBlock`: a block of a message of Anthropic."""

from collections.abc import Hashable
from typing import Any

from nbagent.adapters.base.block import Block


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
