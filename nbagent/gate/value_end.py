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
        self._depth = sum(map(opener.count, "{[(")) - sum(map(opener.count, "}])"))
        self._quote = ""
        self._has_content = bool(opener.strip())

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
            self._has_content = self._has_content or bool(text[at:here].strip())
            if not self._quote and sign in "}])" and self._depth == 1:
                end = self._end(text, step.end(), last=last)
                if end is None:
                    return here, False
                if end == step.end():
                    return end, True
                self._depth, at = 0, end
                continue
            if sign == "\n" and not self._quote and self._has_content:
                ends = self._ends_at_line(text, step.end(), last=last)
                if ends is not False:
                    return here, bool(ends)
            elif (
                not self._quote
                and not self._depth
                and sign == "["
                and _ARGS.startswith(text[here:])
                and not last
            ):
                return here, False
            self._take(sign)
            self._has_content = self._has_content or sign != "\n"
            at = step.end()
        end = stop - (stop == len(text) and text.endswith("\\", at) and not last)
        self._has_content = self._has_content or bool(text[at:end].strip())
        return end, False

    def _take(self, sign: str) -> None:
        if self._quote:
            if sign == self._quote or (sign == "\n" and self._quote == "'"):
                self._quote = ""
        elif sign in "\"'":
            self._quote = sign if self._depth else ""  # outside of brackets it may be an apostrophe
        elif sign in "{[(":
            self._depth += 1
        elif sign in "}])":
            self._depth = max(0, self._depth - 1)

    def _end(self, text: str, at: int, *, last: bool) -> int | None:
        """Return the offset behind a value: of the next one if it is in a list; None if more must
        be seen.
        """
        another = _ANOTHER.match(text, at)
        if another is not None:
            return another.end()
        rest = text[at : at + _MAX_WAIT_CHARS]
        return (
            None if not last and rest.strip() in ("", ";") and len(rest) < _MAX_WAIT_CHARS else at
        )

    def _ends_at_line(self, text: str, at: int, *, last: bool) -> bool | None:
        """Return whether the value ends before the newline at whose end `at` is; None if more must
        be seen.
        """
        if _EMPTY_LINE.match(text, at):
            return True
        rest = text[at : at + _MAX_WAIT_CHARS].lstrip(" \t\r")
        if not rest:
            return False if last or len(text) - at >= _MAX_WAIT_CHARS else None
        return not (self._depth or self._lines) and rest[0] not in "{[("
