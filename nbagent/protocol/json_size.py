"""Bytes that a value takes as JSON on Jupyter's wire, and text cut to fit."""

from typing import Any

import msgspec


def json_size(value: Any) -> int:
    """Bytes the value takes as JSON, at most: Jupyter writes UTF-8, and a space after each comma and colon between items."""
    encoded = msgspec.json.encode(value)
    return len(encoded) if type(value) is str else len(encoded) + encoded.count(b",") + encoded.count(b":")


def truncate_to_bytes(text: str, at: int, room: int, least: int = 0) -> tuple[str, int]:
    """As much of the text, from character `at` on, as takes at most `room` bytes of JSON without its quotes; and its bytes.

    A text's halves of surrogate pairs, which JSON cannot carry, come as U+FFFD each, so that every character keeps its place.

    Args:
        text: any text, however long: no more of it is looked at than may fit.
        at: where to begin, in characters.
        room: bytes.
        least: characters to give in any case, if there are as many.
    """
    piece = text[at : at + max(room, least)]
    try:
        size = json_size(piece) - 2
    except UnicodeEncodeError:
        piece = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in piece)
        size = json_size(piece) - 2
    while size > room and len(piece) > least:
        piece = piece[: max(least, len(piece) * room // size)]
        size = json_size(piece) - 2
    return piece, size
