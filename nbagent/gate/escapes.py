"""Text in which JSON has escaped some characters, as arguments and results often are, read as what it says.

The escapes: https://www.rfc-editor.org/rfc/rfc8259#section-7. Where a backslash means something else, what is read here is only
searched, beside the text as it stands, and never shown.
"""

import re
from bisect import bisect_right

_HEX = "[0-9a-fA-F]"
_HIGH = rf"\\u[dD][89abAB]{_HEX}{{2}}"
_LOW = rf"\\u[dD][c-fC-F]{_HEX}{{2}}"
_ESCAPE = re.compile(rf'(?P<pair>{_HIGH}{_LOW})|(?P<half>{_HIGH})|\\u(?P<code>{_HEX}{{4}})|\\(?P<short>["\\/bfnrt])')
_CUT = re.compile(rf"(?:\\(?:u{_HEX}{{0,3}})?)?\Z")
_LONGEST = 5  # characters of an escape that is cut off
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Unescaped:
    """What a text says.

    Args:
        text: the text.
        start: from where on it is read; before that it stands as it is.

    Attributes:
        text: what it says; up to `start` the same, place by place.
        whole: up to where, in the text as it stands, no escape is cut off by its end.
    """

    def __init__(self, text: str, start: int = 0) -> None:
        pieces: list[str] = []
        at = 0
        self.whole = len(text)
        self._said = [0]  # where, in what is said, a stretch begins whose characters stand for themselves, …
        self._stands = [0]  # … and where it begins in the text
        for escape in _ESCAPE.finditer(text, start):
            if escape["half"] and _CUT.match(text, escape.end()):
                self.whole = escape.start()
                break
            pieces += text[at : escape.start()], _character(escape)
            self._said.append(self._said[-1] + escape.start() - at + 1)
            self._stands.append(at := escape.end())
        else:
            cut = _CUT.search(text, max(start, at, len(text) - _LONGEST))
            self.whole = len(text) if cut is None else cut.start()
        self.text = "".join((*pieces, text[at:]))

    def place(self, said: int) -> int:
        """Where in the text the character stands that is number `said` of what it says."""
        stretch = bisect_right(self._said, said) - 1
        return self._stands[stretch] + said - self._said[stretch]

    def around(self, first: int, last: int) -> tuple[int, int]:
        """A part of the text, with the whole of every escape that it cuts."""
        return self._escape_at(first)[0], self._escape_at(last)[1]

    def _escape_at(self, place: int) -> tuple[int, int]:
        """The escape in the midst of which a place is, or just the place."""
        after = bisect_right(self._stands, place)
        if after == len(self._stands):
            return place, place
        start = self.place(self._said[after] - 1)
        return (start, self._stands[after]) if start < place else (place, place)


def _character(escape: re.Match[str]) -> str:
    if escape["pair"]:
        return bytes.fromhex(escape["pair"].replace("\\u", "")).decode("utf-16-be")
    if escape["short"]:
        return _SHORT.get(escape["short"], escape["short"])
    return chr(int(escape["code"] or escape["half"][2:], 16))
