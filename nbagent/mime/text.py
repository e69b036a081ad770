"""Text about values: short, cut where it must be, and never an error."""

from typing import Any

KB = 1024
LINE = 80
"""Characters in one line."""


def count(number: int, noun: str) -> str:
    """`1 row`, `1,200 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def quote(text: str) -> str:
    """A text in quotes, as one line."""
    words = " ".join(text[: 4 * LINE].split()) or text[:LINE]
    cut = len(text) > 4 * LINE or len(words) > LINE - 2
    return repr(words[: LINE - 3] + "…" if cut else words)


def line(text: str) -> str:
    """A text as one line."""
    words = " ".join(text[: 4 * LINE].split())
    return words if len(text) <= 4 * LINE and len(words) <= LINE else words[: LINE - 1] + "…"


def head(text: str, limit: int) -> str:
    """The first `limit` bytes of a text, and how much is missing."""
    if len(text) <= limit // 4:
        return text
    kept = text[:limit].encode()[:limit].decode(errors="ignore")
    return kept if len(kept) == len(text) else f"{kept}\n… {count(len(text) - len(kept), 'more character')}"


def text_of(value: Any) -> str:
    """The value's repr, or that it has none."""
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__module__}.{type(value).__qualname__} object> (its repr failed: {type(error).__name__})"
