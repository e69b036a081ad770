"""Short texts about values. None of these functions raises."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from nbagent.protocol.shared import MARKUP

# As Python writes it in a repr: `<Task at 0x7f…>`, `<code object f at 0x7f…, file "x", line 1>`;
# escaped in a table's HTML.
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{6,16}(?=>|&gt;|[,;:] [^<>&\n]*(?:>|&gt;))")

_TERMINAL = re.compile(MARKUP["characters"]["terminal"])

KB = 1024
LINE_CHARS = 80
"""Characters in one line."""

MASK: ContextVar[Callable[[str], str] | None] = ContextVar("nbagent_mask", default=None)
"""Masks the secrets of the run that is being read.

The gate masks all texts later, but cannot find a secret that is cut.
"""

_MAX_SECRET_CHARS = 4 * KB
"""Characters on the far side of a cut that are looked at for the rest of a secret."""


def count(number: int, noun: str) -> str:
    """Return a number of things: `1 row`, `1,200 rows`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}s"


def quote(text: str) -> str:
    """Return a text in quotes, as one line, without a terminal's colours."""
    if "\x1b" in text or "\x9b" in text:
        text = _TERMINAL.sub("", text[: 64 * KB])
    chars = LINE_CHARS - 2
    if not text[: 4 * LINE_CHARS].isspace():
        return repr(_line_of(text, chars))
    if len(text) > chars:
        text = text[: chars - 1] + "…"
    return repr(text)  # no words would be left of it


def line(text: str) -> str:
    """Return a text as one line."""
    return _line_of(text, LINE_CHARS)


def _line_of(text: str, chars: int) -> str:
    """Return the words of a text as one line of at most `chars` characters."""
    words = " ".join(text[: 4 * LINE_CHARS].split())
    if len(text) <= 4 * LINE_CHARS and len(words) <= chars:
        return words
    return " ".join(first(text, 4 * LINE_CHARS).split())[: chars - 1] + "…"


def head(text: str, limit: int) -> str:
    """Return the first `limit` bytes of a text, with a note of how much is missing."""
    if len(text) <= limit // 4:
        return text
    kept = len(text[:limit].encode()[:limit].decode(errors="ignore"))
    if kept == len(text):
        return text
    return f"{first(text, kept)}\n… {count(len(text) - kept, 'more character')}"


def middle_cut(text: str, limit: int) -> str:
    """Return the first quarter and the last three quarters of `limit` characters, with a note of
    how much is missing.
    """
    if len(text) <= limit:
        return text
    before = limit // 4
    return (
        f"{first(text, before)}\n… {len(text) - limit:,} more characters …\n"
        f"{last(text, limit - before)}"
    )


def first(text: str, size: int) -> str:
    """Return the first `size` characters, masked: a secret that ends after them is found as a
    whole.
    """
    mask = MASK.get()
    if mask is not None:
        text = mask(text[: size + _MAX_SECRET_CHARS])
    return text[:size]


def last(text: str, size: int) -> str:
    """Return the last `size` characters, masked: a secret that begins before them is found as a
    whole.
    """
    mask = MASK.get()
    if mask is not None:
        text = mask(text[-size - _MAX_SECRET_CHARS :])
    return text[-size:]


def without_addresses(text: str) -> str:
    """Return the text without addresses of objects: they say nothing to a reader or a model, and
    differ in each execution.
    """
    if " at 0x" not in text:
        return text
    return _ADDRESS.sub("", text)


def text_of(value: Any) -> str:
    """Return the value's repr, or a text that explains why it has none."""
    try:
        return without_addresses(repr(value))
    except Exception as error:
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        return f"<{name} object> (its repr failed: {type(error).__name__})"
