"""Texts of a message item and parts of a reasoning item."""

from collections.abc import Mapping
from typing import Any, Literal

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import entries_in, extra_fields, get_str, nonempty_str, str_field
from nbagent.adapters.openai_responses.items import Item

TextKind = Literal["text", "refusal"]
ReasoningKind = Literal["summary", "raw"]

_REASONING_FIELDS: dict[ReasoningKind, str] = {"summary": "summary", "raw": "content"}
"""Field of a complete item with the parts of each kind."""


class ItemContent:
    """Writes the parts of output items, ending each once: upstream ends a part up to three times
    (text, part, item).
    """

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder

    def text(self, item: Item, index: int, delta: str, kind: TextKind = "text") -> Block | None:
        """Append to a text. Return its block, or None if nothing was written to it yet."""
        block = self._builder.text((item.key, kind, index), delta, kind=kind, phase=item.phase)
        if block is not None:
            item.text_ids[index] = block.id
        return block

    def end_text(self, item: Item, index: int, text: Any, kind: TextKind = "text") -> None:
        """End a text, once. An empty `text` keeps the deltas."""
        if (index, kind) in item.ended:
            return
        item.ended.add((index, kind))
        key = (item.key, kind, index)
        if nonempty_str(text):
            item.text_ids[index] = self._builder.start_text(key, kind=kind, phase=item.phase).id
        self._builder.end_text(key, nonempty_str(text))

    def begin_reasoning(self, item: Item) -> None:
        """Start a reasoning block before its first text: a model with hidden reasoning never sends
        any.

        Recording: openai_responses/vercel-openai-reasoning-encrypted-content.
        """
        self._builder.start_reasoning((item.key, "summary"), kind="summary")

    def reasoning(
        self, item: Item, index: int, delta: str, kind: ReasoningKind = "summary"
    ) -> None:
        """Append to a part of a reasoning item.

        The parts form one block, separated by an empty line.
        """
        summary = self._builder.open_reasoning((item.key, "summary"))
        if kind == "raw" and summary is not None and not summary.has_text:
            self._builder.end_reasoning(summary.key)
        parts = item.thinking[kind]
        if delta and parts and index not in parts:
            delta = "\n\n" + delta
        if delta:
            parts.setdefault(index, "")
            self._builder.reasoning((item.key, kind), delta, kind=kind)

    def end_reasoning_part(
        self, item: Item, index: int, text: Any, kind: ReasoningKind = "summary"
    ) -> None:
        """Set the final text of a part of a reasoning item. The item itself stays open."""
        if nonempty_str(text):
            if index not in item.thinking[kind]:
                self.reasoning(item, index, text, kind)
            item.thinking[kind][index] = text

    def complete_reasoning(self, item: Item, payload: Mapping[str, Any]) -> None:
        """End a reasoning item with its final text and its encrypted content."""
        finals: dict[ReasoningKind, str | None] = {}
        for kind, name in _REASONING_FIELDS.items():
            texts = [get_str(part, "text") for part in entries_in(payload, name)]
            final = "\n\n".join(filter(None, texts or item.thinking[kind].values()))
            if final and self._builder.open_reasoning((item.key, kind)) is None:
                self.reasoning(item, 0, final, kind)
            if self._builder.open_reasoning((item.key, kind)) is not None:
                finals[kind] = final or None
        encrypted = str_field(payload, "encrypted_content")
        if not finals and encrypted:
            self.begin_reasoning(item)
            finals["summary"] = None
        meta = extra_fields(item_id=item.id)
        seals = dict.fromkeys([*finals][-1:], encrypted)  # of the last block
        for kind, text in finals.items():
            key = (item.key, kind)
            self._builder.end_reasoning(key, text, encrypted=seals.get(kind), meta=meta)
