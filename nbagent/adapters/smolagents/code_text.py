"""The code in what an agent of smolagents writes that acts in code.

Format: `code_block_tags` in
https://github.com/huggingface/smolagents/blob/main/src/smolagents/agents.py (1.26): by default
`<code>` and a line's end, the code, and `</code>`, which a stop sequence may leave out.
"""

from typing import NamedTuple

_OPENER, _CLOSER = "<code>\n", "</code>"


class Piece(NamedTuple):
    """A piece of text or of code."""

    text: str
    is_code: bool


class CodeText:
    """Splits a text that comes in pieces into text and code. The tags are left out."""

    def __init__(self) -> None:
        self._in_code = False
        self._held = ""  # what may be the beginning of a tag

    def feed(self, text: str) -> list[Piece]:
        """Return the pieces of what is known with one more piece of the text."""
        rest, pieces = self._held + text, []
        while True:
            before, tag, after = rest.partition(self._tag)
            if not tag:
                break
            pieces.append(Piece(before, self._in_code))
            self._in_code = not self._in_code
            rest = after
        known = len(rest) - _overlap(rest, self._tag)
        self._held = rest[known:]
        pieces.append(Piece(rest[:known], self._in_code))
        return [piece for piece in pieces if piece.text]

    def finish(self) -> list[Piece]:
        """Return what was held back, since the text has ended."""
        held, self._held = self._held, ""
        return [Piece(held, self._in_code)] if held else []

    @property
    def _tag(self) -> str:
        return _CLOSER if self._in_code else _OPENER


def _overlap(text: str, tag: str) -> int:
    """Return the number of characters at the end of the text that begin the tag."""
    for length in range(min(len(text), len(tag) - 1), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0
