"""Plain JSON: any value, made safe to send to a browser."""

import math
from typing import Any

DEPTH = 64
"""Containers nested deeper than this are cut; a browser's own parser has a limit too."""


def json_safe(value: Any, depth: int = DEPTH) -> Any:
    """The value as JSON that every parser accepts.

    NaN and infinities become null (`JSON.parse` rejects them), half surrogate pairs become U+FFFD (they cannot be encoded),
    keys become strings, objects with a `model_dump` are dumped, and anything else shows its type's name.
    """
    if isinstance(value, str):
        return value if value.isascii() else text_safe(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth <= 0:
        return "…"
    if isinstance(value, dict):
        return {str(json_safe(key, 1)): json_safe(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_safe(item, depth - 1) for item in value]
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return json_safe(dump(), depth - 1)
    return f"<{type(value).__name__}>"


def text_safe(text: str) -> str:
    """The text with surrogate pairs joined, and halves without a partner replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
