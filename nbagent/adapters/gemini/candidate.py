"""`Candidate`: one of the answers of a response of Gemini."""

from collections.abc import Hashable

from nbagent.adapters.base.block import Block
from nbagent.adapters.gemini.content import PartialArgs


class Candidate:
    """Candidate answer in a response.

    Attributes:
        key: key of its text and its reasoning in the builder.
        text_id: id of the last text, open or not: its sources come after it.
        call: the call whose arguments are incomplete, and the arguments so far.
        signature: signature of the open reasoning or text.
        searched: hosted tools whose use was written.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.text_id: str | None = None
        self.call: tuple[Block, PartialArgs] | None = None
        self.signature = ""
        self.searched: set[str] = set()
