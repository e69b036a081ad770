"""Text as HTML: escaped, and with what a reader could not see, or a page would take for a formula, made plain."""

import html
import re

from nbagent.events.jsonable import text_safe

_ANSI = re.compile(r"\x1b\[[0-9;:]*[mK]")
# U+2400 and the following are pictures of the control characters.
_CONTROLS = {code: 0x2400 + code for code in range(32) if code not in (9, 10)} | {0x7F: 0x2421}
_CONTROLS |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
# Overrides, embeddings and isolates would turn around what stands beside them.
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Jupyter's MathJax takes these for the beginning of a formula, wherever they stand; an element around one ends its search.
_TEX = re.compile(r"[$\\](?=[$([]|begin\b|(?:eq)?ref\b)|\$")


def plain(text: str) -> str:
    """The text, escaped. Colours of terminals vanish; other control characters show as pictures of themselves."""
    text = text_safe(text).replace("\r\n", "\n")
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    return html.escape(text.translate(_CONTROLS))


def prose(text: str) -> str:
    """The text, escaped, for a place where MathJax looks for formulas and shall find none in it."""
    return _TEX.sub(r"<span>\g<0></span>", plain(text))


def line(text: str, limit: int = 200) -> str:
    """The text on one line of at most `limit` characters, escaped; it cannot turn around what stands beside it."""
    short = " ".join(text[: 4 * limit].split())
    short = f"{short[: limit - 1]}…" if len(short) > limit or len(text) > 4 * limit else short
    return prose(_TURNS.sub(lambda char: f"U+{ord(char[0]):04X}", short))


def clip(text: str, limit: int) -> tuple[str, str]:
    """The first `limit` characters, and a note of how many are missing (empty if none is)."""
    if len(text) <= limit:
        return text, ""
    missing = len(text) - limit
    return text[:limit], f"… {missing:,} more character{'' if missing == 1 else 's'} not kept in the notebook"


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())
