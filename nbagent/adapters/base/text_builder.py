"""`TextBuilder`: the open texts and reasoning blocks of a run, and their events."""

from collections.abc import Hashable
from typing import Any, Literal, TypeAlias

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.event_writer import EventWriter
from nbagent.events.jsonable import text_safe

_DeltaType: TypeAlias = type[ev.TextDelta] | type[ev.ReasoningDelta]


class TextBuilder(EventWriter):
    """Builds the events of texts and of reasoning.

    A key is any hashable: the upstream id of a text or a reasoning block. It refers to the open
    block that it was last used for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[Hashable, Block] = {}
        self._reasoning: dict[Hashable, Block] = {}

    def end_texts_and_reasoning(self) -> None:
        """Close every open text and reasoning block.

        Tool calls stay open: their results may come in a later step.
        """
        for key in list(self._reasoning):
            self.end_reasoning(key)
        for key in list(self._texts):
            self.end_text(key)

    def open_keys(self) -> list[Hashable]:
        """Return the keys of the open reasoning and text blocks."""
        return [*self._reasoning, *self._texts]

    # --- text ---

    def start_text(
        self,
        key: Hashable,
        *,
        kind: Literal["text", "refusal"] = "text",
        phase: str | None = None,
        line_breaks: bool = False,
    ) -> Block:
        """Return the open text of that key, started if there is none."""
        block = self._texts.get(key)
        if block is None:
            block = self._texts[key] = Block(self.mint("text"), key)
            self.write(
                ev.TextStart(
                    id=block.id, kind=kind, phase=phase, line_breaks=line_breaks, **self.envelope
                )
            )
        return block

    def text(
        self,
        key: Hashable,
        delta: str,
        *,
        kind: Literal["text", "refusal"] = "text",
        phase: str | None = None,
    ) -> Block | None:
        """Append to the text of that key. An empty delta starts no text.

        Returns:
            The open text, or None if there is none.
        """
        if not delta:
            return self._texts.get(key)
        block = self.start_text(key, kind=kind, phase=phase)
        self._append(block, delta, ev.TextDelta)
        return block

    def end_text(
        self, key: Hashable, text: str | None = None, *, meta: dict[str, Any] | None = None
    ) -> None:
        """End a text. `text` replaces the deltas; None keeps them."""
        block = self._texts.pop(key, None)
        if block is None:
            return
        text = self._close(block, text, ev.TextDelta)
        self.write(ev.TextEnd(id=block.id, text=text, meta=meta, **self.envelope))

    def text_id(self, key: Hashable) -> str | None:
        """Return the id of the open text of that key, or None."""
        block = self._texts.get(key)
        if block is None:
            return None
        return block.id

    # --- reasoning ---

    def start_reasoning(self, key: Hashable, *, kind: Literal["summary", "raw"] = "raw") -> Block:
        """Return the open reasoning block of that key, started if there is none."""
        block = self._reasoning.get(key)
        if block is None:
            block = self._reasoning[key] = Block(self.mint("reasoning"), key)
            self.write(ev.ReasoningStart(id=block.id, kind=kind, **self.envelope))
        return block

    def reasoning(
        self, key: Hashable, delta: str, *, kind: Literal["summary", "raw"] = "raw"
    ) -> Block | None:
        """Append to the reasoning of that key. An empty delta starts no block.

        Returns:
            The open reasoning block, or None if there is none.
        """
        if not delta:
            return self._reasoning.get(key)
        block = self.start_reasoning(key, kind=kind)
        self._append(block, delta, ev.ReasoningDelta)
        return block

    def end_reasoning(
        self,
        key: Hashable,
        text: str | None = None,
        *,
        signature: str | None = None,
        encrypted: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """End a reasoning block. `text` replaces the deltas; None keeps them."""
        block = self._reasoning.pop(key, None)
        if block is None:
            return
        text = self._close(block, text, ev.ReasoningDelta)
        self.write(
            ev.ReasoningEnd(
                id=block.id,
                text=text,
                signature=signature,
                encrypted=encrypted,
                meta=meta,
                **self.envelope,
            )
        )

    def open_reasoning(self, key: Hashable) -> Block | None:
        """Return the open reasoning block of that key, or None."""
        return self._reasoning.get(key)

    # --- both ---

    def _append(self, block: Block, delta: str, event: _DeltaType) -> None:
        text = block.join_surrogates(delta)
        if text:
            block.has_text = True
            self.write(event(id=block.id, delta=text, **self.envelope))

    def _close(self, block: Block, text: str | None, event: _DeltaType) -> str | None:
        """Close a block, and return the text that replaces its deltas.

        Half of a surrogate pair that still waits for the other half becomes a last delta.
        """
        block.closed = True
        if text is not None:
            return text_safe(text)
        if block.pending:
            self.write(event(id=block.id, delta="\ufffd", **self.envelope))
        return None
