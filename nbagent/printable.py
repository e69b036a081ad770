"""Text without the characters that act on a terminal or are not seen, for messages, reprs and
printed JSON.

They are the `characters` of `nbagent/protocol/markup.json`: control characters, changes of
direction (Unicode UAX #9), and letters and tags without a picture. Documents and views draw them
instead: `nbagent.render.markup.text`.
"""

import json
import re

_C0 = "\x00-\x08\x0b-\x1f"  # but line feed and tab
_UNSEEN = (
    "\x7f-\x9f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0001\U000e0020-\U000e007f"
)
_IN_LINES = re.compile(f"[{_C0}{_UNSEEN}]")
_IN_LINE = re.compile(f"[\t\n{_C0}{_UNSEEN}]")
_IN_JSON = re.compile(f"[{_UNSEEN}]")


def printable(text: str) -> str:
    r"""Return the text with each character that acts on a terminal, or is not seen, as its escape:
    `\x1b`, `\u202e`.

    Line feeds and tabs stay.
    """
    return _IN_LINES.sub(_escape, text)


def printable_line(text: str) -> str:
    """Return the text as `printable` does, on one line: for names in a repr."""
    return _IN_LINE.sub(_escape, text)


def printable_json(text: str) -> str:
    r"""Return JSON of the same value with these characters of its strings as `\u….`: JSON must
    escape only the lowest.
    """
    return _IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _escape(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]
