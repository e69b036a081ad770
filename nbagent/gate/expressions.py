"""Regular expressions of `redact=`: those of the package `regex` where it is installed, else
Python's own.

Only `regex` knows where a match may still go on, and ends a search that takes too long. There is no
wheel of it for Python in a page. There a streamed text is searched, and shown, when it is complete.
"""

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, TypeAlias, TypeGuard

from nbagent.gate.masking import Span

try:
    import regex
except ModuleNotFoundError:
    engine: Any = None
else:
    engine = regex

Written: TypeAlias = "str | re.Pattern[str] | regex.Pattern[str]"
"""A regular expression, as text or compiled."""

_SENTINEL = "\ud800"
"""A character that occurs in no text."""

_LOOKS_BEHIND = re.compile(r"\(\?<|\\[bBmMA]|\^")
"""Matches where an expression may depend on the text before its match."""

_FUZZY = re.compile(r"\{[^{}]*<=?\s*\d")
"""Matches a limit of errors of `regex`, which Python takes for text."""


class Expression(ABC):
    """Regular expression.

    Attributes:
        looks_behind: whether a match may depend on the text before it.
    """

    looks_behind: bool

    @abstractmethod
    def found_in(self, text: str, start: int, seconds: float | None) -> Iterator[Span]:
        """Yield the spans of the matches from an offset on.

        Raises:
            TimeoutError: the search took more than these seconds.
        """

    @abstractmethod
    def beginning_in(self, text: str, start: int, seconds: float | None) -> int:
        """Return the first offset at which a match may begin that the end of the text cuts off; the
        length of the text if there is none.

        Raises:
            TimeoutError: the search took more than these seconds.
        """


class _SearchedInPieces(Expression):
    """Expression of the package `regex`."""

    def __init__(self, rule: Written) -> None:
        pattern, flags = _pattern_and_flags(rule)
        # may stand in the pattern: "(?x)"
        flags |= engine.compile(pattern, flags).flags & (engine.X | engine.V1)
        if not flags & (engine.X | engine.V1):
            # Comments and nested sets, in which spaces are something else.
            pattern = _with_line_breaks(pattern)
        self.looks_behind = _LOOKS_BEHIND.search(pattern) is not None
        self._whole = engine.compile(pattern, flags)
        # The sentinel never matches, so `partial=True` finds only matches that are cut off by the
        # end of the text.
        if flags & engine.X:
            pattern += "\n"  # its last line may be a comment
        self._beginning = engine.compile(f"(?:{pattern}){_SENTINEL}", flags)

    def found_in(self, text: str, start: int, seconds: float | None) -> Iterator[Span]:
        for found in self._whole.finditer(text, start, timeout=seconds):
            if found[0]:
                yield found.span()

    def beginning_in(self, text: str, start: int, seconds: float | None) -> int:
        found = self._beginning.search(text, start, partial=True, timeout=seconds)
        return len(text) if found is None else found.start()


class _SearchedWhole(Expression):
    """Expression of Python's own `re`. Any text may be the beginning of a match."""

    def __init__(self, rule: Written) -> None:
        pattern, flags = (rule, 0) if isinstance(rule, str) else (str(rule.pattern), rule.flags)
        if _FUZZY.search(pattern):
            raise re.error("a limit of errors needs the package regex", pattern)
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # a set of `regex`, `[[:digit:]]`
            try:
                flags |= re.compile(pattern, flags).flags & re.VERBOSE
            except FutureWarning as warning:
                raise re.error(f"{warning}, which needs the package regex", pattern) from None
        if not flags & re.VERBOSE:
            pattern = _with_line_breaks(pattern)
        self.looks_behind = _LOOKS_BEHIND.search(pattern) is not None
        self._whole = re.compile(pattern, flags)

    def found_in(self, text: str, start: int, seconds: float | None) -> Iterator[Span]:
        for found in self._whole.finditer(text, start):
            if found[0]:
                yield found.span()

    def beginning_in(self, text: str, start: int, seconds: float | None) -> int:
        return start


def is_expression(rule: object) -> TypeGuard[Written]:
    """Return True for the text of an expression, or a compiled one."""
    if engine is not None and isinstance(rule, engine.Pattern):
        return True
    return isinstance(rule, (str, re.Pattern))


def need_whole_texts() -> bool:
    """Return True if no expression knows where a match may still go on."""
    return engine is None


def expression_of(rule: Written) -> Expression:
    """Return an expression. A space in it also matches a line break.

    Raises:
        ValueError: it is no regular expression; the message names it and the position of the error.
        TypeError: it is one for bytes.
    """
    pattern = rule if isinstance(rule, str) else rule.pattern
    if not isinstance(pattern, str):
        raise TypeError(f"redact takes expressions for text; got {pattern!r}, which is for bytes")
    try:
        return _SearchedWhole(rule) if engine is None else _SearchedInPieces(rule)
    except _errors() as error:
        raise ValueError(f"redact={pattern!r} is not a regular expression: {error}") from None


def _errors() -> tuple[type[Exception], ...]:
    if engine is None:
        return (re.error,)
    return (re.error, engine.error)


def _pattern_and_flags(rule: Written) -> tuple[str, int]:
    """Return the text of an expression, and its flags as `regex` has them."""
    if isinstance(rule, str):
        return rule, 0
    if not isinstance(rule, re.Pattern):
        return rule.pattern, rule.flags
    flags = (
        (re.IGNORECASE, engine.I),
        (re.MULTILINE, engine.M),
        (re.DOTALL, engine.S),
        (re.VERBOSE, engine.X),
        (re.ASCII, engine.A),
    )
    return rule.pattern, sum(int(ours) for theirs, ours in flags if rule.flags & theirs)


def _with_line_breaks(pattern: str) -> str:
    """Return the expression so that its spaces also match a line break: where a line ends, a reader
    sees a space.
    """
    made: list[str] = []
    in_set = negated = False
    for piece in re.findall(r"\\.|\[:\^?\w+:\]|\[\^?\]?|.", pattern, re.DOTALL):
        if piece.startswith("[:"):
            pass  # a class of characters, inside a set
        elif piece[0] == "[" and not in_set:
            in_set, negated = True, piece[1:2] == "^"
        elif piece == "]":
            in_set = False
        elif piece in (" ", "\\ ") and in_set and not negated:
            piece = f"\n{piece}"
        elif piece in (" ", "\\ ") and not in_set:
            piece = "[ \n]"
        negated = negated and in_set
        made.append(piece)
    return "".join(made)
