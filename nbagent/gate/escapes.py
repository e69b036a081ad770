"""Decodes the JSON escapes in a text, as they occur in arguments and results.

The escapes: https://www.rfc-editor.org/rfc/rfc8259#section-7. Where a backslash means something else, no harm is done: the
decoded text is only searched, in addition to the text as it is, and never shown.
"""

import re
from bisect import bisect_right

_HEX = "[0-9a-fA-F]"
_HIGH = rf"\\u[dD][89abAB]{_HEX}{{2}}"
_LOW = rf"\\u[dD][c-fC-F]{_HEX}{{2}}"
_ESCAPE = re.compile(rf'(?P<pair>{_HIGH}{_LOW})|(?P<half>{_HIGH})|\\u(?P<code>{_HEX}{{4}})|\\(?P<short>["\\/bfnrt])')
_INCOMPLETE = re.compile(rf"(?:\\(?:u{_HEX}{{0,3}})?)?\Z")
_MAX_INCOMPLETE_CHARS = 5
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Unescaped:
    """A text with its JSON escapes decoded.

    Args:
        text: the source.
        start: offset from which on escapes are decoded.

    Attributes:
        text: the decoded text; identical to the source up to `start`.
        complete_until: offset in the source up to which no escape is cut off by the end.
    """

    def __init__(self, text: str, start: int = 0) -> None:
        pieces: list[str] = []
        at = 0
        self.complete_until = len(text)
        self._decoded_starts = [0]  # of each verbatim run: its offset in the decoded text …
        self._source_starts = [0]  # … and in the source
        for escape in _ESCAPE.finditer(text, start):
            if escape["half"] and _INCOMPLETE.match(text, escape.end()):
                self.complete_until = escape.start()
                break
            pieces += text[at : escape.start()], _character(escape)
            self._decoded_starts.append(self._decoded_starts[-1] + escape.start() - at + 1)
            self._source_starts.append(at := escape.end())
        else:
            cut = _INCOMPLETE.search(text, max(start, at, len(text) - _MAX_INCOMPLETE_CHARS))
            self.complete_until = len(text) if cut is None else cut.start()
        self.text = "".join((*pieces, text[at:]))

    def source_offset(self, index: int) -> int:
        """Offset in the source of the decoded character at `index`."""
        run = bisect_right(self._decoded_starts, index) - 1
        return self._source_starts[run] + index - self._decoded_starts[run]

    def source_span(self, first: int, last: int) -> tuple[int, int]:
        """Return a span of the source, widened to include the escapes that its borders cut."""
        return self._escape_around(first)[0], self._escape_around(last)[1]

    def _escape_around(self, offset: int) -> tuple[int, int]:
        """Return the span of the escape that contains the offset; an empty span at the offset if there is none."""
        after = bisect_right(self._source_starts, offset)
        if after == len(self._source_starts):
            return offset, offset
        start = self.source_offset(self._decoded_starts[after] - 1)
        return (start, self._source_starts[after]) if start < offset else (offset, offset)


def _character(escape: re.Match[str]) -> str:
    if escape["pair"]:
        return bytes.fromhex(escape["pair"].replace("\\u", "")).decode("utf-16-be")
    if escape["short"]:
        return _SHORT.get(escape["short"], escape["short"])
    return chr(int(escape["code"] or escape["half"][2:], 16))
