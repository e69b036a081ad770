"""The pace of an answer: how fast the model wrote it, and how many words came so far."""

import re
from collections.abc import Iterable

MIN_WRITING_S = 0.2
"""Seconds of writing from which a speed says something."""

# Chinese, Japanese and Korean are written without spaces, or with few: there each character counts
# as a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")

_SLICE_CHARS = 64 * 1024
"""Characters whose words are listed at a time: all of a large text take many times its memory."""

Span = tuple[float, float]
"""A period: its start and its end, in seconds since the epoch."""


class WordCount:
    """Counts the words of texts that come in pieces, in time that grows with the piece alone.

    Attributes:
        total: words so far.
    """

    def __init__(self) -> None:
        self.total = 0
        self._within: set[str] = set()  # texts whose last piece ended within a word

    def add(self, text: str, piece: str) -> None:
        """Count the next piece of a text.

        Args:
            text: name of the text.
            piece: not empty.
        """
        for start in range(0, len(piece), _SLICE_CHARS):
            self._add(text, piece[start : start + _SLICE_CHARS])

    def _add(self, text: str, piece: str) -> None:
        words = piece.split()
        if not piece.isascii():
            words = _WORD.findall(piece)
        self.total += len(words)
        if text in self._within and not _begins_word(piece[0]):
            self.total -= 1
        if _begins_word(piece[-1]):
            self._within.discard(text)
        else:
            self._within.add(text)


def _begins_word(character: str) -> bool:
    """Return True for a space, and for a character that is a word by itself."""
    if character.isspace():
        return True
    return not character.isascii() and _WORD.fullmatch(character + "x") is None


def tokens_per_second(tokens: int, run: Span, pauses: Iterable[Span]) -> float | None:
    """Return the output tokens for each second that the model wrote.

    Args:
        tokens: that the model wrote.
        run: the period of the whole answer.
        pauses: periods in it in which the model did not write. They may overlap.

    Returns:
        None if the model wrote for less than `MIN_WRITING_S`.
    """
    writing_s = run[1] - run[0] - covered(pauses)
    if writing_s <= MIN_WRITING_S:
        return None
    return tokens / writing_s


def covered(spans: Iterable[Span]) -> float:
    """Return the seconds that lie in at least one of the periods."""
    total, until = 0.0, float("-inf")
    for begun, ended in sorted(spans):
        total += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return total
