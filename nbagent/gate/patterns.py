"""Masks the patterns of `redact=`, also where a stream cuts a match in two, and where JSON escapes it.

Each character of a match becomes a bullet. A text keeps its length, so an offset into it stays valid.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import regex

from nbagent.gate.escapes import Unescaped
from nbagent.gate.masking import mask_json

_Expression: TypeAlias = str | re.Pattern[str] | regex.Pattern[str]
Rule: TypeAlias = _Expression | Callable[[str], str]
"""A regular expression, as text or compiled, or a function that returns the text with its secrets masked."""

_FLAGS = ((re.IGNORECASE, regex.I), (re.MULTILINE, regex.M), (re.DOTALL, regex.S), (re.VERBOSE, regex.X), (re.ASCII, regex.A))
_PROBES = ("a", " ")  # a match may depend on whether a word goes on
_SENTINEL = "\ud800"
"""A character that occurs in no text."""

_CONTEXT_CHARS = 64
"""Characters before a text that a look-behind may see."""

_RESEARCH_GROWTH = 1.25
"""Factor by which a text that is held back grows before it is searched again; a search for each piece would be quadratic."""


class Patterns:
    """A set of patterns, compiled.

    Args:
        rules: regular expressions, and functions. A function gets each text whole and returns the text to show; so a
            streamed text is shown only when it is complete.

    Raises:
        ValueError: a rule is not a regular expression; the message names it and the position of the error.
        TypeError: a rule is neither text, a compiled expression nor a function.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._expressions: list[regex.Pattern[str]] = []
        self._beginnings: list[regex.Pattern[str]] = []
        self._functions: list[Callable[[str], str]] = []
        for rule in [rules] if isinstance(rules, str) else rules:
            if isinstance(rule, str | re.Pattern | regex.Pattern):
                self._add(rule)
            elif callable(rule):
                self._functions.append(rule)
            else:
                raise TypeError(f"redact takes regular expressions and functions; got {type(rule).__name__}: {rule!r}")

    def __bool__(self) -> bool:
        return bool(self._expressions or self._functions)

    def __repr__(self) -> str:
        return f"<Patterns: {len(self._expressions)} expressions, {len(self._functions)} functions>"

    def mask(self, text: str) -> str:
        """Return the text with every match masked."""
        text = _bulleted(text, self._matches(text, 0))
        for function in self._functions:
            text = str(function(text))
        return text

    def mask_json(self, value: Any) -> Any:
        """Return a JSON value with every match masked in its strings, keys and numbers; the same object if there is none."""
        return mask_json(value, self.mask, numbers=True)

    def stream(self) -> "RedactedStream":
        """Return a masker of one text that comes in pieces."""
        return RedactedStream(self)

    @property
    def need_whole_texts(self) -> bool:
        """True if a text can be shown only when it is complete."""
        return bool(self._functions)

    def release(self, text: str, start: int, *, last: bool = False) -> tuple[str, int]:
        """Return the masked text from `start` on that can be shown now, and the offset at which the rest begins.

        The text that is shown is final: a match that has begun, or that may go on, is in the rest.

        Args:
            text: the new text, after a little of the text before it.
            start: offset of the new text.
            last: whether nothing follows.
        """
        matches = self._matches(text, start)
        end = len(text) if last else self._settled(text, start, matches)
        return _bulleted(text, [match for match in matches if match[1] <= end])[start:end], end

    def _settled(self, text: str, start: int, matches: list[tuple[int, int]]) -> int:
        """Offset up to which nothing that follows can change the matches."""
        decoded = Unescaped(text, start)
        end = decoded.complete_until
        whole = decoded.text[: len(decoded.text) - (len(text) - end)]
        for beginning in self._beginnings:
            found = beginning.search(text, start, partial=True)
            end = end if found is None else min(end, decoded.source_span(found.start(), len(text))[0])
            found = beginning.search(whole, start, partial=True)
            end = end if found is None else min(end, decoded.source_offset(found.start()))
        continued = [set(self._matches(text + probe, start)) for probe in _PROBES]
        sure = set(matches).intersection(*continued)  # `b$` matches before a line's end only where nothing follows
        for first, last in sorted(set(matches).union(*continued), reverse=True):
            if first < end and (last > end or last >= len(text) or (first, last) not in sure):
                end = first
        return end

    def _add(self, rule: _Expression) -> None:
        pattern = rule if isinstance(rule, str) else rule.pattern
        if not isinstance(pattern, str):
            raise TypeError(f"redact takes expressions for text; got {pattern!r}, which is for bytes")
        flags = 0
        if isinstance(rule, regex.Pattern):
            flags = rule.flags
        elif isinstance(rule, re.Pattern):
            flags = sum(int(ours) for theirs, ours in _FLAGS if rule.flags & theirs)
        try:
            expression = regex.compile(pattern, flags)
        except regex.error as error:
            raise ValueError(f"redact={pattern!r} is not a regular expression: {error}") from None
        self._expressions.append(expression)
        # The sentinel never matches, so `partial=True` finds only matches that are cut off by the end of the text.
        line = "\n" if flags & regex.X else ""
        self._beginnings.append(regex.compile(f"(?:{pattern}{line}){_SENTINEL}", flags))

    def _matches(self, text: str, start: int) -> list[tuple[int, int]]:
        """Spans of the matches in the text as it is and with its escapes decoded, in order, overlaps joined."""
        spans = [found.span() for one in self._expressions for found in one.finditer(text, start) if found[0]]
        if text.find("\\", start) >= 0:
            decoded = Unescaped(text, start)
            spans = [decoded.source_span(*span) for span in spans]
            found_in = (found for one in self._expressions for found in one.finditer(decoded.text, start) if found[0])
            spans += [(decoded.source_offset(found.start()), decoded.source_offset(found.end())) for found in found_in]
        joined: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if joined and first < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return joined


def _bulleted(text: str, spans: list[tuple[int, int]]) -> str:
    pieces: list[str] = []
    at = 0
    for first, last in spans:
        pieces += text[at:first], "•" * (last - first)
        at = last
    return "".join((*pieces, text[at:])) if spans else text


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

    def feed(self, text: str) -> str:
        """Return the masked text that can be shown now."""
        self._held.append(text)
        self._size += len(text)
        if self._patterns.need_whole_texts or self._size < self._search_at:
            return ""
        whole = self._before + "".join(self._held)
        shown, end = self._patterns.release(whole, len(self._before))
        self._before = whole[max(0, end - _CONTEXT_CHARS) : end]
        self._held = [whole[end:]]
        self._size = len(whole) - end
        self._search_at = int(self._size * _RESEARCH_GROWTH) if self._size > _CONTEXT_CHARS else 0
        return shown

    def close(self) -> str:
        """Return the rest that was held back, since the text is over."""
        held = "".join(self._held)
        self._held, self._size = [], 0
        if self._patterns.need_whole_texts:
            return self._patterns.mask(held)
        return self._patterns.release(self._before + held, len(self._before), last=True)[0]
