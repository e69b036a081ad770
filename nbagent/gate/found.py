"""`Found`: a credential that is recognised by the text around it, and how the rules make one."""

import re
from typing import NamedTuple

from nbagent.gate import credential_values as values
from nbagent.gate.credential_names import Grade
from nbagent.gate.key_formats import CHAR, SHOWN_CHARS
from nbagent.gate.masking import Span

CONTEXT_CHARS = 192
"""Characters before a value that its rule may read."""


MAX_VALUE_CHARS = 512
"""Characters of a value by which it is judged. A longer one is masked to its end, or not at all."""


PART_CHARS = 24
"""Characters of a name that are read before and after the anchor in it."""


SENTENCE_MARKS = ".,;:!?"
"""Marks that end a sentence, and no value."""


TOKEN = re.compile(rf"{CHAR}{{0,{MAX_VALUE_CHARS}}}")
"""Matches a token, up to the length by which it is judged."""
TOKEN_REST = re.compile(f"{CHAR}*")
"""Matches the rest of a longer one."""


class Found(NamedTuple):
    """A credential in its context, or what may become one.

    Attributes:
        begin: offset of its context.
        value: offset of the value.
        end: offset after the value.
        spans: to mask.
        is_open: whether the rest of the value, or what decides about it, may come after the end of
            the text.
        rest: matches how the value goes on where it is longer than any key, and reaches the end of
            the text.
        is_sure: whether what is open has a context that is no everyday data's.
    """

    begin: int
    value: int
    end: int
    spans: list[Span]
    is_open: bool = False
    rest: re.Pattern[str] | None = None
    is_sure: bool = False

    def is_cut_credential(self, text: str) -> bool:
        """Return True if the text ends in what is, or may be, the beginning of a credential."""
        if self.is_open and self.is_sure:
            return not values.is_placeholder(text[self.value : self.end])
        return self.is_open and is_random(text[self.value : self.end])


def is_sure(grade: Grade, value: str) -> bool:
    """Return True if a value under a name of that grade is a credential."""
    if grade != "sure":
        return is_random(value, grade)
    return values.is_quoted_credential(value)


def is_written(grade: Grade, value: str, *, is_line: bool) -> bool:
    """Return True if a value without quotes is a credential under a name of that grade.

    Args:
        grade: of the name.
        value: the text.
        is_line: whether it is all of a line's text; see `is_written_credential`.
    """
    if grade != "sure":
        return is_random(value, grade)
    return values.is_written_credential(value, is_line=is_line)


def is_random(value: str, grade: Grade = "maybe") -> bool:
    """Return True if a value looks like a credential under a name of that grade: `maybe` if
    anything may stand before it.
    """
    if grade == "likely" and values.is_uuid(value.rstrip(SENTENCE_MARKS)):
        return True
    return values.looks_random(value.rstrip(SENTENCE_MARKS)) and not values.is_placeholder(value)


def complete(begin: int, value: int, end: int) -> Found:
    """Return a credential that is masked from its third character to its end."""
    return Found(begin, value, end, [(value + SHOWN_CHARS, end)])


def masked(text: str, begin: int, value: int, end: int, rest: re.Pattern[str]) -> Found:
    """Return a credential; if it is longer than `MAX_VALUE_CHARS`, to the end of what `rest`
    matches.
    """
    if end - value < MAX_VALUE_CHARS:
        return complete(begin, value, end)
    found = complete(begin, value, end_of(rest, text, end))
    if found.end == len(text):
        return found._replace(rest=rest)
    return found


def may_go_on(text: str, value: int, end: int, is_whole: bool) -> bool:
    """Return True if a value reaches the end of a text that goes on, and is not yet so long that
    its rest does not count.
    """
    return end == len(text) and end - value < MAX_VALUE_CHARS and not is_whole


def opened(begin: int, value: int, end: int, grade: Grade = "sure") -> Found:
    """Return what may become a credential with what follows the text."""
    return Found(begin, value, end, [], is_open=True, is_sure=grade == "sure")


def waiting(text: str, begin: int, is_whole: bool) -> Found | None:
    """Return a context whose value has not begun at the end of the text; None if nothing follows
    the text.
    """
    if is_whole:
        return None
    return opened(begin, len(text), len(text))


def end_of(expression: re.Pattern[str], text: str, at: int) -> int:
    """Return the offset after what an expression matches at an offset, else that offset."""
    found = expression.match(text, at)
    if found is None:
        return at
    return found.end()


def chars_behind(expression: re.Pattern[str], text: str, at: int) -> int:
    """Return how many characters before an offset an expression matches; it is written for the
    reversed text.
    """
    return end_of(expression, text[max(0, at - PART_CHARS) : at][::-1], 0)
