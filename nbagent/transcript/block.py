"""A block: an element of a transcript, such as a text, a thought or a tool call."""

import hashlib
from collections.abc import Mapping
from typing import Any

from nbagent.events.growing_text import GrowingText
from nbagent.events.jsonable import text_safe

MAX_ID_CHARS = 200
"""Characters of a block's id; a longer one is shortened, since every op carries it."""


class Block:
    """Node of the tree.

    Args:
        id: unique in the transcript.
        parent: id of the block that it stands in; None for the root.
        props: plain JSON, with the `kind`; see `nbagent.protocol.blocks`.

    Attributes:
        closed: whether the block is finished.
        props: the props so far. A text field that grows is joined only when `text` or `snapshot`
            asks for it.
    """

    __slots__ = ("_growing", "closed", "id", "kind", "parent", "props")

    def __init__(self, id: str, parent: str | None, props: dict[str, Any]) -> None:
        self.id = id
        self.parent = parent
        self.kind: str = props["kind"]
        self.props = props
        self.closed = False
        self._growing: dict[str, GrowingText] = {}

    def append(self, field: str, text: str) -> None:
        """Add to a text field, in constant time."""
        growing = self._growing.get(field)
        if growing is None:
            growing = self._growing[field] = GrowingText(self.props.get(field) or "")
        growing.append(text)

    def set(self, props: Mapping[str, Any]) -> None:
        """Replace props; a text field loses what was appended."""
        for field in props.keys() & self._growing.keys():
            del self._growing[field]
        self.props.update(props)

    def text(self, field: str = "text") -> str:
        """Return the whole of a text field; empty if there is none."""
        growing = self._growing.pop(field, None)
        if growing is not None:
            self.props[field] = str(growing)
        return self.props.get(field) or ""

    def snapshot(self) -> dict[str, Any]:
        """Return the block as plain JSON: its props, and `id`, `parent` and `closed`."""
        for field in tuple(self._growing):
            self.text(field)
        return {"id": self.id, "parent": self.parent, "closed": self.closed, **self.props}


def short_id(id: str) -> str:
    """Return the id as it can be sent; one that is too long to be sent with every change is cut and
    ends with its hash.
    """
    id = text_safe(id)
    if len(id) <= MAX_ID_CHARS:
        return id
    digest = hashlib.sha256(id.encode()).hexdigest()
    return f"{id[:100]}…{digest[:16]}"
