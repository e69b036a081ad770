"""The texts that patterns are searched in: a text as it is, as its reader sees it, and both with
JSON's escapes decoded.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from nbagent.gate.decoded import Decoded, Replacement
from nbagent.gate.escapes import json_escapes
from nbagent.gate.visible import markdown_markup

Markup: TypeAlias = Callable[[str, int], tuple[list[Replacement], int]]
"""Returns the markup in a text from an offset on, and the offset up to which nothing that follows
can change it.
"""

_JSON_LEVELS = 2
"""Levels of JSON's escapes: arguments are JSON in a string, and often that string is in JSON
again.
"""

_UNLIKE = re.compile(r"[^\x00-\x7f]|[\\&<*`~_\t\r\f\v]|\s\s")
"""Matches where a reading may differ from its text."""


class Reading:
    """A text in which patterns are searched.

    Args:
        text: the text.
        start: offset of the new text in it.
        layers: the ways back to the source, from the text's own on.
        is_json: whether only JSON's escapes are decoded in it.

    Attributes:
        text: the text.
        start: offset of the new text.
        is_json: whether only JSON's escapes are decoded in it.
    """

    __slots__ = ("_layers", "is_json", "start", "text")

    def __init__(
        self, text: str, start: int, layers: Sequence[Decoded] = (), *, is_json: bool = True
    ) -> None:
        self.text = text
        self.start = start
        self.is_json = is_json
        self._layers = layers

    def decode(self, markup: Markup, *, before: bool = True) -> "Reading | None":
        """Return the reading without the markup; None if there is none.

        Args:
            markup: finds it.
            before: whether markup in the text before the new text counts.
        """
        new, _ = markup(self.text, self.start)
        if not new and not before:
            return None
        if before:
            # Decoded for itself, because an escape that it cuts must not change the new text.
            new = [*markup(self.text[: self.start], 0)[0], *new]
        if not new:
            return None
        layer = Decoded(self.text, new)
        return Reading(
            layer.text,
            layer.offset_of(self.start),
            (layer, *self._layers),
            is_json=markup is json_escapes,
        )

    def continued(self, text: str) -> "Reading":
        """Return the reading with some plain text after it."""
        return Reading(self.text + text, self.start, self._layers)

    def spans(self, first: int, last: int) -> tuple[tuple[int, int], ...]:
        """Spans of the source that the characters from `first` to `last` come from, in order."""
        spans = [(first, last)]
        for layer in self._layers:
            spans = [span for each in spans for span in layer.spans(*each)]
        return tuple(spans)

    def span_around(self, offset: int) -> tuple[int, int]:
        """Return the span of the source that this reading replaces and an offset cuts; an empty one
        if it cuts none.
        """
        at = offset
        for number in reversed(range(len(self._layers))):
            layer = self._layers[number]
            span = layer.span_around(at)
            if span[0] < span[1]:
                below = Reading("", 0, self._layers[number + 1 :]).spans(*span)
                return below[0][0], below[-1][1]
            at = layer.offset_of(at)
        return offset, offset


def readings_of(
    text: str, start: int, markup: Markup = markdown_markup, *, before: bool = True
) -> list[Reading]:
    """Return the readings of a text that differ from each other.

    Args:
        text: the new text, after a little of the text before it.
        start: offset of the new text.
        markup: the markup that the reader does not see.
        before: whether readings count that differ only in the text before the new text.
    """
    searched_from = 0 if before else start
    if is_plain(text, searched_from):
        return [Reading(text, start)]
    found: list[Reading] = []
    reading: Reading | None = Reading(text, start)
    for level in range(_JSON_LEVELS + 1):
        if reading is None:
            break
        found.append(reading)
        seen = reading.decode(markup, before=before)
        if seen is not None:
            found.append(seen)
        if level == _JSON_LEVELS or "\\" not in reading.text:
            break
        reading = reading.decode(json_escapes, before=before)
    return found


def is_plain(text: str, start: int) -> bool:
    """Return True if from an offset on every reading of a text is the text itself."""
    return _UNLIKE.search(text, max(start - 1, 0)) is None


def complete_until(text: str, start: int) -> int:
    """Offset up to which nothing that follows the text can change its readings."""
    end = len(text)
    if is_plain(text, start):
        return end
    reading: Reading | None = Reading(text, start)
    for level in range(_JSON_LEVELS + 1):
        if reading is None:
            break
        end = min(end, _source_end(reading, markdown_markup, end))
        if level == _JSON_LEVELS or "\\" not in reading.text:
            break
        end = min(end, _source_end(reading, json_escapes, end))
        reading = reading.decode(json_escapes, before=False)
    return max(start, end)


def _source_end(reading: Reading, markup: Markup, default: int) -> int:
    """Return the offset in the source up to which a reading's markup is final; the default if all
    of it is.
    """
    _, offset = markup(reading.text, reading.start)
    if offset >= len(reading.text):
        return default
    return reading.spans(offset, offset + 1)[0][0]
