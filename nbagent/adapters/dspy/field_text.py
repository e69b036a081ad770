"""`FieldText`: the fields of a response as DSPy's `ChatAdapter` asks a model to write them, from
pieces of its text: `[[ ## answer ## ]]`, and the answer below.
"""

import re
from typing import NamedTuple

_HEADER = re.compile(r"\[\[ ## (\w+) ## \]\]")
_MAX_HEADER_CHARS = 100
_MAY_GO_ON = re.compile(r"(?:\[|\[\[[^\]\n]*\]?)$")
"""The beginning of a header at the end of a text."""


class FieldPiece(NamedTuple):
    """A piece of a field.

    Attributes:
        field: its name; "" for text before the first header.
        text: the next characters of the value, which may be none.
        is_last: whether the field ends here.
    """

    field: str
    text: str
    is_last: bool = False


class FieldText:
    """Splits the text of one response into its fields.

    White space around a value is left out, so that what may be its end is held back.
    """

    def __init__(self) -> None:
        self._field = ""
        self._held = ""
        self._has_begun = False

    def feed(self, text: str) -> list[FieldPiece]:
        """Return the pieces that are known now."""
        held, pieces = self._held + text, []
        while header := _HEADER.search(held):
            pieces.append(self._piece(held[: header.start()].rstrip(), is_last=True))
            self._field, self._has_begun = header[1], False
            held = held[header.end() :]
        start = max(0, len(held) - _MAX_HEADER_CHARS)
        beginning = _MAY_GO_ON.search(held, start)
        ready = held[: beginning.start()] if beginning else held
        ready = ready.rstrip()
        self._held = held[len(ready) :]
        pieces.append(self._piece(ready))
        return [piece for piece in pieces if piece.text or (piece.is_last and piece.field)]

    def finish(self) -> list[FieldPiece]:
        """Return the last piece: the response is over."""
        held, self._held = self._held.rstrip(), ""
        return [self._piece(held, is_last=True)]

    def _piece(self, text: str, *, is_last: bool = False) -> FieldPiece:
        if not self._has_begun:
            text = text.lstrip()
            self._has_begun = bool(text)
        return FieldPiece(self._field, text, is_last)
