"""Bare URLs with a scheme in plain text, found as the view finds them
(js/src/markdown/autolink.ts).

https://github.github.com/gfm/#autolinks-extension-
"""

import re

# Characters of a host's labels: letters and digits of any script. Dots and hyphens stand between
# labels.
_LABEL = (
    r"[^\s\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\xa0\u2000-\u206f\u3000-\u303f"
    r"\uff01-\uff0f\uff1a-\uff20\uff5b-\uff65]"
)
_URL = re.compile(
    rf"(?:https?|ftp)://(?:\[[0-9a-f:.]+\]|{_LABEL}(?:{_LABEL}|[.-](?={_LABEL}|-))*)"
    r"(?::\d{1,5}(?!\d))?"
    r"(?P<path>[/?#][^\s\x00-\x1f\x7f-\x9f<>\"`|｜]*)?",
    re.IGNORECASE,
)
_TRAIL = re.compile(r"(?:&[a-z0-9]+;|[?!.,:;*_~'\"])+\Z", re.IGNORECASE)
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_MAX_URL_CHARS = 10_000


def match_url(text: str, start: int) -> str | None:
    """Return the bare URL that begins at `start`, without the punctuation that follows it, or
    None.
    """
    found = _URL.match(text, start, start + _MAX_URL_CHARS)
    if found is None:
        return None
    path = found["path"]
    if path is None:
        return found[0]
    path = _TRAIL.sub("", path[: _balanced(path)])
    return text[start : found.start("path")] + path


def _balanced(path: str) -> int:
    """Offset of the first closing bracket that the URL itself did not open: "(see
    https://example.org/a_(b))".
    """
    opened: list[str] = []
    for offset, char in enumerate(path):
        if char in "([{":
            opened.append(char)
        elif char in _CLOSERS and (not opened or opened.pop() != _CLOSERS[char]):
            return offset
    return len(path)
