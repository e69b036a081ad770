"""Short texts about values. None of these functions raises."""

import re
from typing import Any

# As Python writes it in a repr: `<Task at 0x7f…>`, `<code object f at 0x7f…, file "x", line 1>`; escaped in a table's HTML.
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{6,16}(?=>|&gt;|[,;:] [^<>&\n]*(?:>|&gt;))")

KB = 1024
LINE_CHARS = 80
"""Characters in one line."""


def count(number: int, noun: str) -> str:
    """Return a number of things: `1 row`, `1,200 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def quote(text: str) -> str:
    """Return a text in quotes, as one line."""
    words = " ".join(text[: 4 * LINE_CHARS].split()) or text[:LINE_CHARS]
    cut = len(text) > 4 * LINE_CHARS or len(words) > LINE_CHARS - 2
    return repr(words[: LINE_CHARS - 3] + "…" if cut else words)


def line(text: str) -> str:
    """Return a text as one line."""
    words = " ".join(text[: 4 * LINE_CHARS].split())
    return words if len(text) <= 4 * LINE_CHARS and len(words) <= LINE_CHARS else words[: LINE_CHARS - 1] + "…"


def head(text: str, limit: int) -> str:
    """Return the first `limit` bytes of a text, with a note of how much is missing."""
    if len(text) <= limit // 4:
        return text
    kept = text[:limit].encode()[:limit].decode(errors="ignore")
    return kept if len(kept) == len(text) else f"{kept}\n… {count(len(text) - len(kept), 'more character')}"


def without_addresses(text: str) -> str:
    """Return the text without addresses of objects: they say nothing to a reader or a model, and differ in each execution."""
    return _ADDRESS.sub("", text) if " at 0x" in text else text


def text_of(value: Any) -> str:
    """Return the value's repr, or a text that explains why it has none."""
    try:
        return without_addresses(repr(value))
    except Exception as error:
        return f"<{type(value).__module__}.{type(value).__qualname__} object> (its repr failed: {type(error).__name__})"
