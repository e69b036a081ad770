"""Finds where a JSON value or a call in Python's syntax ends, as its text streams in."""

import re

_STEP = re.compile(r"\\[\s\S]|\[ARGS\]|[\"'(){}\[\]\n]")
_EMPTY_LINE = re.compile(r"[ \t\r]*\n")
_ANOTHER = re.compile(r"\s*;\s*(?=[{\[])")
_ARGS = "[ARGS]"  # Mistral's token between a name and its arguments
_MAX_WAIT_CHARS = 64


class ValueEnd:
    """The state of one value.

    Args:
        opener: how it begins: what is open at its end.
        lines: whether a value without brackets may have several lines.
    """

    def __init__(self, opener: str, *, lines: bool) -> None:
        self._lines = lines
        self._depth = 0
        self._quote = ""
        self._has_content = bool(opener.strip())
        for step in _STEP.findall(opener):
            if self._quote:
                self._take_in_quote(step)
            else:
                self._take(step)

    @property
    def in_quote(self) -> bool:
        """True if the next character is inside a quoted text."""
        return bool(self._quote)

    def find(self, text: str, at: int, stop: int, *, last: bool) -> tuple[int, bool]:
        """Return the offset up to which the text is known to be of the value, and whether it ends
        there.

        It also ends before an empty line, and outside of brackets at the end of its line: it is not
        a value then, or was cut.

        Args:
            text: from which the value is read.
            at: offset of what has not been seen.
            stop: offset at which to stop; what follows it is only looked at.
            last: whether no more text comes.
        """
        while step := _STEP.search(text, at, stop):
            here, sign = step.start(), step[0]
            self._pass_over(text[at:here])
            if self._quote:
                self._take_in_quote(sign)
                at = step.end()
                continue
            if sign in "}])" and self._depth == 1:
                end = self._end(text, step.end(), last=last)
                if end is None:
                    return here, False
                if end == step.end():
                    return end, True
                self._depth, at = 0, end
                continue
            if sign == "\n" and self._has_content:
                ends = self._ends_at_line(text, step.end(), last=last)
                if ends is not False:
                    return here, bool(ends)
            if sign == "[" and self._may_be_token(text[here:], last=last):
                return here, False
            self._take(sign)
            at = step.end()
        end = stop
        if stop == len(text) and text.endswith("\\", at) and not last:
            end -= 1  # it may escape what follows
        self._pass_over(text[at:end])
        return end, False

    def _may_be_token(self, rest: str, *, last: bool) -> bool:
        """Return True if a text may become the token before the arguments of a call."""
        return not last and not self._depth and _ARGS.startswith(rest)

    def _pass_over(self, text: str) -> None:
        """Take a text in which nothing is a sign."""
        if not self._has_content:
            self._has_content = bool(text.strip())

    def _take_in_quote(self, sign: str) -> None:
        if sign == self._quote or (sign == "\n" and self._quote == "'"):
            self._quote = ""
        self._has_content = self._has_content or sign != "\n"

    def _take(self, sign: str) -> None:
        if sign in "\"'" and self._depth:  # outside of brackets it may be an apostrophe
            self._quote = sign
        elif sign in "{[(":
            self._depth += 1
        elif sign in "}])":
            self._depth = max(0, self._depth - 1)
        self._has_content = self._has_content or sign != "\n"

    def _end(self, text: str, at: int, *, last: bool) -> int | None:
        """Return the offset behind a value: of the next one if it is in a list; None if more must
        be seen.
        """
        another = _ANOTHER.match(text, at)
        if another is not None:
            return another.end()
        rest = text[at : at + _MAX_WAIT_CHARS]
        if not last and rest.strip() in ("", ";") and len(rest) < _MAX_WAIT_CHARS:
            return None
        return at

    def _ends_at_line(self, text: str, at: int, *, last: bool) -> bool | None:
        """Return whether the value ends before the newline at whose end `at` is; None if more must
        be seen.
        """
        if _EMPTY_LINE.match(text, at):
            return True
        rest = text[at : at + _MAX_WAIT_CHARS].lstrip(" \t\r")
        if rest:
            return not (self._depth or self._lines) and rest[0] not in "{[("
        if last or len(text) - at >= _MAX_WAIT_CHARS:
            return False
        return None
