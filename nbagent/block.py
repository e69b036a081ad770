"""A block: one thing a reader sees in a transcript, a text, a thought, a tool call."""

from collections.abc import Mapping
from typing import Any


class Block:
    """One node of the tree: `props` as the view has them; growing text is kept in pieces until it is asked for."""

    __slots__ = ("_pieces", "closed", "id", "kind", "parent", "props")

    def __init__(self, id: str, parent: str | None, props: dict[str, Any]) -> None:
        self.id = id
        self.parent = parent
        self.kind: str = props["kind"]
        self.props = props
        self.closed = False
        self._pieces: dict[str, list[str]] = {}

    def append(self, field: str, text: str) -> None:
        """Add to a text field, in constant time."""
        pieces = self._pieces.get(field)
        if pieces is None:
            self._pieces[field] = [self.props.get(field) or "", text]
        else:
            pieces.append(text)

    def set(self, props: Mapping[str, Any]) -> None:
        """Replace props."""
        for field in props.keys() & self._pieces.keys():
            del self._pieces[field]
        self.props.update(props)

    def text(self, field: str = "text") -> str:
        """A text field, whole."""
        pieces = self._pieces.pop(field, None)
        if pieces is not None:
            self.props[field] = "".join(pieces)
        return self.props.get(field) or ""

    def snapshot(self) -> dict[str, Any]:
        """The block as plain JSON."""
        for field in tuple(self._pieces):
            self.text(field)
        return {"id": self.id, "parent": self.parent, "closed": self.closed, **self.props}
