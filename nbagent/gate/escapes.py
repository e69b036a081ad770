"""Decodes the JSON escapes in a text, as they occur in arguments and results.

The escapes: https://www.rfc-editor.org/rfc/rfc8259#section-7. Where a backslash means something
else, no harm is done: the decoded text is only searched, in addition to the text as it is, and
never shown.
"""

import re

from nbagent.gate.decoded import Replacement

_HEX = "[0-9a-fA-F]"
_HIGH = rf"\\u[dD][89abAB]{_HEX}{{2}}"
_LOW = rf"\\u[dD][c-fC-F]{_HEX}{{2}}"
_ESCAPE = re.compile(
    rf'(?P<pair>{_HIGH}{_LOW})|(?P<half>{_HIGH})|\\u(?P<code>{_HEX}{{4}})|\\(?P<short>["\\/bfnrt])'
)
_INCOMPLETE = re.compile(rf"(?:\\(?:u{_HEX}{{0,3}})?)?\Z")
_MAX_INCOMPLETE_CHARS = 5
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def json_escapes(text: str, start: int = 0) -> tuple[list[Replacement], int]:
    """Return the escapes from `start` on, and the offset up to which no escape is cut off by the
    end of the text.
    """
    found: list[Replacement] = []
    stop = start
    for escape in _ESCAPE.finditer(text, start):
        if escape["half"] and _INCOMPLETE.match(text, escape.end()):
            return found, escape.start()
        stop = escape.end()
        found.append(Replacement(escape.start(), stop, _character(escape)))
    cut = _INCOMPLETE.search(text, max(stop, len(text) - _MAX_INCOMPLETE_CHARS))
    if cut is None:
        return found, len(text)
    return found, cut.start()


def _character(escape: re.Match[str]) -> str:
    if escape["pair"]:
        return bytes.fromhex(escape["pair"].replace("\\u", "")).decode("utf-16-be")
    if escape["short"]:
        return _SHORT.get(escape["short"], escape["short"])
    return chr(int(escape["code"] or escape["half"][2:], 16))
