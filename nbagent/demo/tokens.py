"""The demo model's tokens: small pieces of text, as a language model writes them."""

import re
from collections.abc import Iterator

_LONGEST = 6

# A word with the space before it, a run of white space or punctuation, or else one code point: what a reader sees as one
# character (an emoji of several parts, a letter and its accent) may come in several pieces, as it does from a real model.
_PIECE = re.compile(r" ?[A-Za-z0-9]+|[ \t]+|\n+|[!-/:-@\[-`{-~]{1,3}|.", re.DOTALL)


def split(text: str) -> Iterator[str]:
    """The tokens of `text`, which joined are `text` again."""
    for match in _PIECE.finditer(text):
        piece = match.group()
        while len(piece) > _LONGEST + 2:
            yield piece[:_LONGEST]
            piece = piece[_LONGEST:]
        yield piece


def count(text: str) -> int:
    """How many tokens `text` is."""
    return sum(1 for _ in split(text))
