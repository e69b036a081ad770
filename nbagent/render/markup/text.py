"""Text as HTML: escaped, with invisible characters made visible (js/src/readable.ts), and protected
from MathJax.
"""

import html
import re

from nbagent.events.jsonable import text_safe
from nbagent.protocol.shared import MARKUP

_CHARACTERS = MARKUP["characters"]
_TERMINAL = re.compile(_CHARACTERS["terminal"])
_IN_PROSE = (
    f"{_CHARACTERS['flag']}|\\r(?!\\n)"
    f"|[{_CHARACTERS['controls']}{_CHARACTERS['overrides']}{_CHARACTERS['smuggling']}"
)
_UNSEEN = re.compile(f"{_IN_PROSE}{_CHARACTERS['directions']}]")
_UNSEEN_IN_PROSE = re.compile(f"{_IN_PROSE}]")
# Jupyter's MathJax takes these for the beginning of a formula, wherever they stand; an element
# around one ends its search.
_TEX = re.compile(r"[$\\](?=[$([]|begin\b|(?:eq)?ref\b)|\$")


def visible(text: str) -> str:
    """Return the text with each control character as its picture, and other characters that are not
    seen as `‹U+202E›`.

    These change the direction of what follows, hide text, or part words that look like one. Joiners
    stay, which emoji and some scripts need.
    """
    return _UNSEEN.sub(_written_out, text_safe(text))


def prose(text: str) -> str:
    """Return the text as `visible` does, but with marks, embeddings and isolates of a direction and
    breaks of no width kept.

    Languages need these. None needs an override, which reverses letters of any script, or the tags
    that hide a text.
    """
    return _UNSEEN_IN_PROSE.sub(_written_out, text_safe(text))


def readable(text: str) -> str:
    """Return a program's output without the colours and cursor movements of a terminal, the rest as
    `visible` does.
    """
    if "\x1b" in text or "\x9b" in text:
        text = _TERMINAL.sub("", text)
    return visible(text)


def _written_out(found: re.Match[str]) -> str:
    if len(found[0]) > 1:
        return found[0]  # the flag of a part of a country is written with tags
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)  # U+2400 and the following are pictures of the control characters
    if code == 0x7F:
        return "␡"
    return f"‹U+{code:04X}›"


def escape(text: str) -> str:
    """Return readable text as HTML, for code and attributes, where MathJax looks for no formula."""
    return html.escape(readable(text))


def one_line(text: str, max_chars: int) -> str:
    """Return a text on one line of at most `max_chars` characters, with an ellipsis if it is
    cut.
    """
    line = " ".join(text[: 4 * max_chars].split())
    if len(line) <= max_chars and len(text) <= 4 * max_chars:
        return line
    return f"{line[: max_chars - 1]}…"


def with_edges(text: str, line: str) -> str:
    """Return a text's one line with a space at each end where the text has white space: one line
    has none.
    """
    before, after = text[:1].isspace(), text[-1:].isspace()
    return " " * before + line + " " * after


def fenced(code: str, language: str = "") -> str:
    """Return code as a block of Markdown, in fences that no line of it ends."""
    longest = max(map(len, re.findall("`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def escape_line(text: str, max_chars: int = 200) -> str:
    """Return readable text as HTML on one line of at most `max_chars` characters."""
    return without_tex(escape(one_line(text, max_chars)))


def without_tex(markup: str) -> str:
    """Return the HTML of a text so that MathJax finds no formula in it."""
    return _TEX.sub(r"<span>\g<0></span>", markup)


def clip(text: str, max_chars: int) -> tuple[str, str]:
    """Return the first `max_chars` characters, and a note of how many are missing (empty if none
    is).
    """
    if len(text) <= max_chars:
        return text, ""
    missing = len(text) - max_chars
    characters = "character" if missing == 1 else "characters"
    return text[:max_chars], f"… {missing:,} more {characters} not kept in the notebook"
