"""A text with some spans of its source replaced, and the way back from its offsets to the
source's.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple


class Replacement(NamedTuple):
    """A span of the source, and the text in its place: "" for a span that is left out."""

    start: int
    stop: int
    text: str


class Decoded:
    """A text with some spans of its source replaced.

    Args:
        source: the text.
        replacements: in order, without overlaps.

    Attributes:
        text: the text with the replacements.
    """

    __slots__ = ("_offsets", "_replaced", "_starts", "text")

    def __init__(self, source: str, replacements: Iterable[Replacement]) -> None:
        self._replaced = [Replacement(0, 0, ""), *replacements]
        self._starts = [each.start for each in self._replaced]
        self._offsets = [0]  # in the decoded text, of each replacement
        pieces: list[str] = []
        size = at = 0
        for each in self._replaced[1:]:
            pieces += source[at : each.start], each.text
            size += each.start - at
            self._offsets.append(size)
            size += len(each.text)
            at = each.stop
        self.text = "".join((*pieces, source[at:]))

    def spans(self, first: int, last: int) -> list[tuple[int, int]]:
        """Spans of the source that the decoded characters from `first` to `last` come from, in
        order.

        Source that is left out is in none of them; a replaced span is in them as a whole.
        """
        found: list[tuple[int, int]] = []
        number = bisect_right(self._offsets, first) - 1
        while first < last:
            replaced, offset = self._replaced[number], self._offsets[number]
            number += 1
            if first < offset + len(replaced.text):
                found.append((replaced.start, replaced.stop))
                first = offset + len(replaced.text)
            stop = last
            if number < len(self._offsets):
                stop = min(last, self._offsets[number])
            if first < stop:
                start = replaced.stop + first - offset - len(replaced.text)
                found.append((start, start + stop - first))
                first = stop
        return found

    def span_around(self, offset: int) -> tuple[int, int]:
        """Return the replaced span of the source that an offset cuts; an empty span at the offset
        if it cuts none.
        """
        each = self._replaced[bisect_right(self._starts, offset) - 1]
        if each.start < offset < each.stop:
            return each.start, each.stop
        return offset, offset

    def offset_of(self, offset: int) -> int:
        """Offset in the decoded text of an offset in the source that cuts no replaced span."""
        number = bisect_right(self._starts, offset) - 1
        each = self._replaced[number]
        if offset < each.stop:  # at the start of the span
            return self._offsets[number]
        return self._offsets[number] + len(each.text) + offset - each.stop
