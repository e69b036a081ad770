"""Open text, reasoning block or tool call of a run that is decoded."""

from collections.abc import Hashable

from nbagent.events.jsonable import text_safe


class Block:
    """Text, reasoning or tool call of the run.

    Attributes:
        id: our id, unique in the run.
        key: the upstream id, as the decoder spells it.
        name: the tool's name; empty for text and reasoning.
        call_id: the provider's id of a tool call. Not unique: see
            openai_responses/pydanticai-reused-tool-call-ids.
        args_pieces: the deltas of a tool call's arguments, while they are incomplete.
        args_complete: True once a tool call's arguments are complete.
        pending: the first half of a surrogate pair whose second half has not arrived, or "".
        has_text: True once a delta was written.
        closed: True once the block ended.
    """

    __slots__ = (
        "args_complete",
        "args_pieces",
        "call_id",
        "closed",
        "has_text",
        "id",
        "key",
        "name",
        "pending",
    )

    def __init__(
        self, block_id: str, key: Hashable, name: str = "", call_id: str | None = None
    ) -> None:
        self.id = block_id
        self.key = key
        self.name = name
        self.call_id = call_id
        self.args_pieces: list[str] = []
        self.args_complete = False
        self.pending = ""
        self.has_text = False
        self.closed = False

    def join_surrogates(self, delta: str) -> str:
        """Return the delta with its surrogate pairs joined.

        A first half at its end is kept for the next delta.
        """
        if delta.isascii() and not self.pending:
            return delta
        text = self.pending + delta
        self.pending = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            self.pending = text[-1]
            text = text[:-1]
        return text_safe(text)


def block_id(block: Block | None) -> str | None:
    """Return the id of a block; None if there is none."""
    if block is None:
        return None
    return block.id
