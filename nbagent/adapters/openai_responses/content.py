"""What an output item says: the texts of a message and the parts of a thought, written as they come and final once."""

from collections.abc import Hashable, Mapping
from typing import Any, Literal

from nbagent.adapters.base.builder import Block, EventBuilder
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field
from nbagent.adapters.openai_responses.items import Item

TextKind = Literal["text", "refusal"]
ThoughtKind = Literal["summary", "raw"]


class ItemContent:
    """Writes the parts of output items. A part's end is told up to three times: by itself, with its part, with its item."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder

    def text(self, item: Item, index: int, delta: str, kind: TextKind = "text") -> Block | None:
        """More of a text; None if nothing was ever written to it."""
        block = self._builder.text((item.key, kind, index), delta, kind=kind, phase=item.phase)
        if block is not None:
            item.text_ids[index] = block.id
        return block

    def end_text(self, item: Item, index: int, text: Any, kind: TextKind = "text") -> None:
        """A text is final, once; an empty snapshot takes nothing away."""
        if (index, kind) in item.ended:
            return
        item.ended.add((index, kind))
        key = (item.key, kind, index)
        if nonempty_str(text):
            item.text_ids[index] = self._builder.start_text(key, kind=kind, phase=item.phase).id
        self._builder.end_text(key, nonempty_str(text))

    def begin_thought(self, item: Item) -> None:
        """A thought begins: now, not with its first text. A model that keeps its thoughts to itself still thinks."""
        self._builder.start_thought((item.key, "summary"), kind="summary")

    def thought(self, item: Item, index: int, delta: str, kind: ThoughtKind = "summary") -> None:
        """More of a part of a thought; the parts become one thought with an empty line between them."""
        summary = self._builder.open_thought((item.key, "summary"))
        if kind == "raw" and summary is not None and not summary.has_text:
            self._builder.end_thought(summary.key)
        parts = item.thinking[kind]
        if delta and parts and index not in parts:
            delta = "\n\n" + delta
        if delta:
            parts.setdefault(index, "")
            self._builder.thought((item.key, kind), delta, kind=kind)

    def end_part_of_thought(self, item: Item, index: int, text: Any, kind: ThoughtKind = "summary") -> None:
        """A part of a thought is final; the thought itself may go on."""
        if nonempty_str(text):
            if index not in item.thinking[kind]:
                self.thought(item, index, text, kind)
            item.thinking[kind][index] = text

    def complete_thought(self, item: Item, payload: Mapping[str, Any]) -> None:
        """A thought is final: its text, and the opaque part that only the provider can read."""
        ends: list[tuple[Hashable, str | None]] = []
        kinds: tuple[tuple[ThoughtKind, str], ...] = (("summary", "summary"), ("raw", "content"))
        for kind, name in kinds:
            texts = [nonempty_str(fields_or_empty(part).get("text")) or "" for part in payload.get(name) or ()]
            final = "\n\n".join(filter(None, texts or item.thinking[kind].values()))
            if final and self._builder.open_thought((item.key, kind)) is None:
                self.thought(item, 0, final, kind)
            if self._builder.open_thought((item.key, kind)) is not None:
                ends.append(((item.key, kind), final or None))
        encrypted = str_field(payload, "encrypted_content")
        if not ends and encrypted:
            ends.append((self._builder.start_thought((item.key, "summary"), kind="summary").key, None))
        meta = {"item_id": item.id} if item.id else None
        for number, (key, text) in enumerate(ends, 1):
            self._builder.end_thought(key, text, encrypted=encrypted if number == len(ends) else None, meta=meta)
