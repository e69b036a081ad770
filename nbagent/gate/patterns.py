"""Masks the patterns of `redact=`, also where a stream cuts a match in two, and where escapes or
markup are inside a match.

Each character of a match becomes a bullet. A text keeps its length, so an offset into it stays
valid.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NoReturn, TypeAlias

from nbagent.gate.expressions import (
    Expression,
    Written,
    expression_of,
    is_expression,
    need_whole_texts,
)
from nbagent.gate.masking import CutMarks, Span, bullets, mask_json
from nbagent.gate.readings import Reading, complete_until, readings_of
from nbagent.gate.visible import html_markup, markdown_markup

Rule: TypeAlias = "Written | Callable[[str], str]"
"""A regular expression, as text or compiled, or a function that returns the text with its secrets
masked.
"""
_Match: TypeAlias = tuple[Span, ...]
"""Spans of the text that a match consists of; markup may be between two."""

_PROBES = ("a", " ")  # a match may depend on whether a word goes on
_CONTEXT_CHARS = 64
"""Characters before a text that a look-behind may see."""

_RESEARCH_GROWTH = 1.25
"""Factor by which a text that is held back grows before it is searched again; a search for each
piece would be quadratic.
"""

SEARCH_LIMIT_S = 1.0
"""Seconds of the processor that the patterns may take for one text."""

_MAX_SLOW_TEXTS = 3
"""Texts that may take too long. After them every text is hidden without a search."""

_UNLIMITED_CHARS = 16
"""Characters of a text so short that no search takes long; a limit costs more time than such a
search.
"""

HIDDEN_TEXT = "[hidden: a pattern of redact= takes too long]"
"""Shown in place of a text that could not be searched."""


class _Deadline(threading.local):
    """Time at which the search of this thread ends, in seconds of its processor time; 0 before its
    first long text.
    """

    at = 0.0


class _TooSlow(Exception):
    """A search took longer than `SEARCH_LIMIT_S`."""


class Patterns:
    """A set of patterns, compiled.

    A pattern is searched in a text as it is, in the text as its reader sees it (without Markdown's
    or HTML's markup and without invisible characters, in the compatibility form NFKC), and in both
    with JSON's escapes decoded, once and twice. A space in a pattern also matches a line break.

    Args:
        rules: regular expressions, and functions. A function gets each text whole and returns the
            text to show; so a streamed text is shown only when it is complete.

    Attributes:
        warning: says that an expression took too long, so that texts are hidden; None if none did.

    Raises:
        ValueError: a rule is not a regular expression; the message names it and the position of the
            error.
        TypeError: a rule is neither text, a compiled expression nor a function.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.warning: str | None = None
        self._slow_texts = 0
        self._deadline = _Deadline()
        self._expressions: dict[int, Expression] = {}  # by their numbers among the rules
        self._functions: list[Callable[[str], str]] = []
        if isinstance(rules, str):
            rules = [rules]
        for number, rule in enumerate(rules, 1):
            if is_expression(rule):
                self._expressions[number] = expression_of(rule)
            elif callable(rule):
                self._functions.append(rule)
            else:
                raise TypeError(
                    f"redact takes regular expressions and functions; got {type(rule).__name__}: "
                    f"{rule!r}"
                )
        self._looks_behind = any(each.looks_behind for each in self._expressions.values())

    def __bool__(self) -> bool:
        return bool(self._expressions or self._functions)

    def __repr__(self) -> str:
        return f"<Patterns: {len(self._expressions)} expressions, {len(self._functions)} functions>"

    def mask(self, text: str, *, is_html: bool = False, cuts: CutMarks | None = None) -> str:
        """Return the text with every match masked.

        Args:
            text: the text.
            is_html: whether its markup is HTML's or SVG's. Otherwise it is Markdown's.
            cuts: marks of omission. A match that one of them cuts off is masked too.
        """
        try:
            if self._expressions:
                text = self._mask(text, is_html, cuts)
        except _TooSlow:
            text = HIDDEN_TEXT
        for function in self._functions:
            text = str(function(text))
        return text

    def mask_json(self, value: Any, *, is_html: bool = False, cuts: CutMarks | None = None) -> Any:
        """Return a JSON value with every match masked in its strings, keys and numbers; the same
        object if there is none.
        """
        return mask_json(value, partial(self.mask, is_html=is_html, cuts=cuts), numbers=True)

    def stream(self) -> "RedactedStream":
        """Return a masker of one text that comes in pieces."""
        return RedactedStream(self)

    @property
    def need_whole_texts(self) -> bool:
        """True if a text can be shown only when it is complete."""
        return bool(self._functions) or need_whole_texts()

    def release(self, text: str, start: int, *, last: bool = False) -> tuple[str, int] | None:
        """Return the masked text from `start` on that can be shown now, and the offset at which the
        rest begins.

        The text that is shown is final: a match that has begun, or that may go on, is in the rest.
        None if the search takes too long.

        Args:
            text: the new text, after a little of the text before it.
            start: offset of the new text.
            last: whether nothing follows.
        """
        try:
            self._begin_search()
            matches, end = self._settle(text, start, last=last)
        except _TooSlow:
            return None
        spans: list[Span] = []
        for match in matches:
            if match[-1][1] <= end:
                spans += match
        return bullets(text[:end], spans)[start:], end

    def _mask(self, text: str, is_html: bool, cuts: CutMarks | None) -> str:
        self._begin_search()
        markup = html_markup if is_html else markdown_markup
        spans: list[Span] = []
        for match in self._matches(readings_of(text, 0, markup)):
            spans += match
        if cuts is not None:
            for start, stop in cuts.windows(text):
                _, end = self._settle(text[start:stop], 0)
                spans += cuts.masked(start + end, stop)
        return bullets(text, spans)

    def _settle(self, text: str, start: int, *, last: bool = False) -> tuple[list[_Match], int]:
        """Return the matches, and the offset up to which nothing that follows can change them."""
        if last:
            return self._matches(self._readings(text, start)), len(text)
        text = text[: complete_until(text, start)]
        readings = self._readings(text, start)
        matches = self._matches(readings)
        end = len(text)
        for reading in readings:
            for begin in self._beginnings_in(reading):
                if begin < len(reading.text):
                    end = min(end, reading.spans(begin, begin + 1)[0][0])
        continued = [
            set(self._matches([reading.continued(probe) for reading in readings]))
            for probe in _PROBES
        ]
        # `b$` matches before a line's end only where nothing follows
        sure = set(matches).intersection(*continued)
        for match in sorted(set(matches).union(*continued), reverse=True):
            first, stop = match[0][0], match[-1][1]
            if first < end and (stop > end or stop >= len(text) or match not in sure):
                end = first
        return matches, _uncut(end, readings)

    def _readings(self, text: str, start: int) -> list[Reading]:
        return readings_of(text, start, before=self._looks_behind)

    def _matches(self, readings: list[Reading]) -> list[_Match]:
        """Matches in the readings of a text; one in the text as it is includes JSON's escapes that
        its borders cut.

        It does not include markup that its borders cut, such as the rest of a run of spaces: a
        stream has shown that already.
        """
        source, *others = readings
        found: list[_Match] = []
        for first, last in self._found_in(source):
            for reading in others:
                if reading.is_json:
                    first, last = reading.span_around(first)[0], reading.span_around(last)[1]
            found.append(((first, last),))
        for reading in others:
            found += [reading.spans(*span) for span in self._found_in(reading)]
        return found

    def _found_in(self, reading: Reading) -> Iterator[Span]:
        for number, expression in self._expressions.items():
            seconds = self._time_left(reading)
            try:
                yield from expression.found_in(reading.text, reading.start, seconds)
            except TimeoutError:
                self._give_up(number)

    def _beginnings_in(self, reading: Reading) -> Iterator[int]:
        for number, expression in self._expressions.items():
            seconds = self._time_left(reading)
            try:
                yield expression.beginning_in(reading.text, reading.start, seconds)
            except TimeoutError:
                self._give_up(number)

    def _begin_search(self) -> None:
        if self._slow_texts >= _MAX_SLOW_TEXTS:
            raise _TooSlow
        self._deadline.at = 0.0

    def _time_left(self, reading: Reading) -> float | None:
        is_short = len(reading.text) - reading.start <= _UNLIMITED_CHARS
        if is_short or need_whole_texts():  # in a page there is no clock of the thread
            return None
        now = time.thread_time()
        if not self._deadline.at:
            self._deadline.at = now + SEARCH_LIMIT_S
        return max(self._deadline.at - now, 0.001)

    def _give_up(self, number: int) -> NoReturn:
        self._slow_texts += 1
        self.warning = (
            f"Rule {number} of redact= took more than {SEARCH_LIMIT_S:g} s for one text, so such "
            "texts are hidden. Simplify "
            "the expression: a repetition inside a repetition, as in (a+)+, takes exponential time."
        )
        raise _TooSlow


def _uncut(end: int, readings: list[Reading]) -> int:
    """Return the offset, or the start of what a reading replaces there: the rest of that would be
    read otherwise.
    """
    while (first := min(reading.span_around(end)[0] for reading in readings)) < end:
        end = first
    return end


class RedactedStream:
    """Masks the matches in a text that comes in pieces, wherever it was cut.

    Text is held back only while it may be part of a match. Made by `Patterns.stream`.
    """

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._before = ""  # end of the text that was shown, for look-behinds
        self._held: list[str] = []
        self._size = 0
        self._search_at = 0
        self._is_hidden = False  # a search took too long: nothing more is shown

    def feed(self, text: str) -> str:
        """Return the masked text that can be shown now."""
        if self._is_hidden:
            return ""
        self._held.append(text)
        self._size += len(text)
        if self._patterns.need_whole_texts or self._size < self._search_at:
            return ""
        return self._release(last=False)

    def close(self) -> str:
        """Return the rest that was held back, since the text is over."""
        if self._is_hidden:
            return ""
        if self._patterns.need_whole_texts:
            held = "".join(self._held)
            self._held, self._size = [], 0
            return self._patterns.mask(held)
        return self._release(last=True)

    def _release(self, *, last: bool) -> str:
        whole = self._before + "".join(self._held)
        found = self._patterns.release(whole, len(self._before), last=last)
        if found is None:
            self._is_hidden, self._held = True, []
            return HIDDEN_TEXT
        shown, end = found
        self._before = whole[max(0, end - _CONTEXT_CHARS) : end]
        self._held = [whole[end:]]
        self._size = len(whole) - end
        self._search_at = 0
        if self._size > _CONTEXT_CHARS:
            self._search_at = int(self._size * _RESEARCH_GROWTH)
        return shown
