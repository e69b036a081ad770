"""Masking of a text's spans, of the strings in a JSON value, and of text that an omission cuts
off.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

Span: TypeAlias = tuple[int, int]
"""Offsets of the first character and after the last one."""

_MAX_CUT_CHARS = 4096
"""Characters before a mark of omission in which a secret may begin that it cuts off."""

_MIN_CUT_CHARS = 4
"""Characters of a secret that are masked where it is cut off.

Fewer reveal little, and may just as well begin another word.
"""


def bullets(text: str, spans: Iterable[Span]) -> str:
    """Return the text with a bullet for each character of the spans.

    They may overlap, in any order.
    """
    pieces: list[str] = []
    at = 0
    for first, last in sorted(spans):
        if last > at:
            first = max(first, at)
            pieces += text[at:first], "•" * (last - first)
            at = last
    if not pieces:
        return text
    return "".join((*pieces, text[at:]))


class CutMarks:
    """The marks of omission in a text: what stands before one may be the beginning of a secret.

    Args:
        expression: matches a mark, and white space before it that is part of the mark.
    """

    def __init__(self, expression: str) -> None:
        self._mark = re.compile(expression)

    def windows(self, text: str) -> Iterator[Span]:
        """Spans of the text before each mark, without those that are too short."""
        at = 0
        for mark in self._mark.finditer(text):
            if mark.start() - at >= _MIN_CUT_CHARS:
                yield max(at, mark.start() - _MAX_CUT_CHARS), mark.start()
            at = mark.end()

    def masked(self, first: int, last: int) -> list[Span]:
        """Return the span of a secret's beginning that is to be masked; none if it is too short."""
        if last - first < _MIN_CUT_CHARS:
            return []
        return [(first, last)]


OWN_CUTS = CutMarks(r"\n?… [\d,]+ more ")
"""The marks that nbagent writes where it shortens a text."""

ALL_CUTS = CutMarks(r"\n?…|\.{3}")
"""Also those of other libraries, such as pandas in a table's cells."""


class DistinctNames:
    """Names of which no two are the same: one that was there before gets a number, `name-2`."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._numbers: dict[str, int] = {}  # the last one, by name

    def add(self, name: str) -> str:
        """Return the name, with a number if it was used before."""
        made, number = name, self._numbers.get(name, 1)
        while made in self._used:
            number += 1
            made = f"{name}-{number}"
        self._used.add(made)
        self._numbers[name] = number
        return made


def mask_json(value: Any, mask: Callable[[str], str], *, numbers: bool = False) -> Any:
    """Return the JSON value with its strings and keys masked; the same object if nothing in it is
    masked.

    Args:
        value: any JSON value.
        mask: returns a masked text.
        numbers: mask numbers too, as their text. One that is masked becomes a string.
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return _mask_object(value, mask, numbers)
    if isinstance(value, (list, tuple)):
        items = [mask_json(item, mask, numbers=numbers) for item in value]
        if items == list(value):
            return value
        return items
    if not numbers or value is None or isinstance(value, bool):
        return value
    text = str(value)
    masked = mask(text)
    if masked == text:
        return value
    return masked


def _mask_object(pairs: dict[Any, Any], mask: Callable[[str], str], numbers: bool) -> Any:
    names = DistinctNames()  # keys may differ only in masked text
    made: dict[Any, Any] = {}
    for key, item in pairs.items():
        shown = key
        if isinstance(key, str):
            shown = names.add(mask(key))
        made[shown] = mask_json(item, mask, numbers=numbers)
    if made == pairs:
        return pairs
    return made
