"""Limits of JSON: its size as Jupyter writes it, text cut to a size, the largest whole number."""

from typing import Any

import msgspec

MAX_EXACT_INT = 2**53 - 1
"""The largest integer that JavaScript's numbers hold exactly (`Number.MAX_SAFE_INTEGER`)."""


def json_size(value: Any) -> int:
    """Bytes that the value takes as JSON, at most: Jupyter writes UTF-8, and a space after each
    comma and colon.
    """
    encoded = msgspec.json.encode(value)
    return (
        len(encoded)
        if type(value) is str
        else len(encoded) + encoded.count(b",") + encoded.count(b":")
    )


def truncate_to_bytes(
    text: str, offset: int, max_bytes: int, min_chars: int = 0
) -> tuple[str, int]:
    """Return as much of the text from `offset` on as takes at most `max_bytes` of JSON without its
    quotes, and its bytes.

    Lone surrogates, which JSON cannot carry, are each replaced by U+FFFD, so that every character
    keeps its offset.

    Args:
        text: any text, however long: no more of it is read than may fit.
        offset: where to begin, in characters.
        max_bytes: bytes of JSON.
        min_chars: characters to return in any case, if there are as many.
    """
    piece = text[offset : offset + max(max_bytes, min_chars)]
    try:
        size = json_size(piece) - 2
    except UnicodeEncodeError:
        piece = "".join(
            "\ufffd" if "\ud800" <= character <= "\udfff" else character for character in piece
        )
        size = json_size(piece) - 2
    while size > max_bytes and len(piece) > min_chars:
        piece = piece[: max(min_chars, len(piece) * max_bytes // size)]
        size = json_size(piece) - 2
    return piece, size
