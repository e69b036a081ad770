"""Clues: the pieces of a prompt that may be values, and its words."""

import re
from typing import Any

_WORDS = """
a about all also an and any are as at be by can could do does each for from give has have how i if
in into is it its just me my no not now of on one or our out please so some such tell that the their
them then there these they this to up us use want was we were what when where which who why will
with without would you your
"""
STOP_WORDS = frozenset(_WORDS.split())
"""Words that carry no meaning of their own."""

_ENDINGS = re.compile(r"(?<=\w{3})(?:ings?|ies|ed|es|s|e|y)$")


def _pattern(expression: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?<!\w)["“`'](?P<quoted>[^"”`'\n]+)["”`'](?!\w)
    | (?P<url>https?://[^\s<>"]*[^\s<>".,;:!?)])
    | (?P<email>[\w.+-]{{1,64}}@[\w-]{{1,64}}(?:\.[\w-]{{1,64}})+)
    | (?P<date>\b\d{{4}}-\d\d-\d\d\b)
    | (?P<expression>{expression})
    | (?P<path>(?<![\w/.])[\w~./-]{{0,200}}\w\.[A-Za-z]\w{{1,4}}\b)
    | (?P<number>(?<![\w.])-?\d+(?:,\d{{3}}(?!\d))*(?:\.\d+)?(?![\w:]))
    | (?P<time>\b\d{{1,2}}:\d\d\b)
    | (?P<name>\b(?!I\b)(?:[A-Z][A-Z\d]+\b|(?<!^)(?<![.!?:]\s)[A-Z][\w’-]*(?:\s+[A-Z][\w’-]*)*))
    | (?P<word>\w[\w-]*)""",
        re.VERBOSE,
    )


CLUE = _pattern(r"(?<![\w.])\(*-?\d[\d.]*(?:[\s)]*[-+*/^%×÷]+[\s(]*-?\d[\d.]*)+\)*")
"""A piece of a prompt that could be a value; the name of its group says which kind.

A capital at the start of a sentence makes no name.
"""

CLUE_OF_NUMBERS = _pattern("(?!)")
"""A piece as in `CLUE`, with each number of an arithmetic expression apart."""


def value_of(clue: re.Match[str]) -> Any:
    """Return the value of a clue: a number, or a text."""
    if not clue["number"]:
        return clue[str(clue.lastgroup)]
    number = clue[0].replace(",", "")
    if "." in number:
        return float(number)
    return int(number)


def stems(text: str) -> set[str]:
    """Return the words that carry meaning, without their endings; `camelCase` and `snake_case` are
    split.
    """
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    words = re.findall(r"[^\W\d_]+", split)
    return {_ENDINGS.sub("", word) for word in words if word not in STOP_WORDS}


_OPERATIONS = {
    "+": stems("add addition plus sum"),
    "-": stems("subtract subtraction minus difference"),
    "*×": stems("multiply multiplication times product"),
    "/÷": stems("divide division divided quotient"),
    "^": stems("power exponent"),
    "%": stems("modulo remainder"),
}
"""Words for an arithmetic operation, by its signs."""


def operations(text: str) -> set[str]:
    """Return the words for the arithmetic that a text asks for: `2 + 3` asks to add."""
    expressions = "".join(clue[0] for clue in CLUE.finditer(text) if clue["expression"])
    words = stems(text) if re.search(r"\d", text) else set()
    asked: set[str] = set()
    for signs, names in _OPERATIONS.items():
        if set(signs) & set(expressions) or words & names:
            asked |= names
    return asked
