"""Plain JSON: any value, made safe to send to a browser."""

import contextlib
import math
from typing import Any

DEPTH = 64
"""Containers nested deeper than this are cut; a browser's own parser has a limit too."""


EXACT = 2**53 - 1
"""The largest whole number that a browser's parser keeps as it is."""


_STRETCH = 64 * 1024  # characters looked at in one go: a long text is not copied to be looked at


def json_safe(value: Any, depth: int = DEPTH) -> Any:
    """The value as JSON that every parser accepts, and reads alike.

    NaN and infinities become null (`JSON.parse` rejects them), whole numbers too large for a browser become text (it would
    round them, and show another id than the one that was meant), half surrogate pairs become U+FFFD (they cannot be encoded),
    subclasses of the plain types become those, keys become strings, objects with a `model_dump` are dumped, and anything else
    shows its type's name.
    """
    if isinstance(value, str):
        return text_safe(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        whole = int(value)
        if -EXACT <= whole <= EXACT:
            return whole
        return str(whole) if whole.bit_length() < 4096 else hex(whole)  # Python refuses to write very long ones in decimal
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth <= 0:
        return "…"
    if isinstance(value, dict):
        return {str(json_safe(key, 1)): json_safe(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_safe(item, depth - 1) for item in value]
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        with contextlib.suppress(Exception):  # a model that cannot be dumped is no reason to end a run
            return json_safe(dump(), depth - 1)
    return f"<{type(value).__name__}>"


def sound(text: str) -> bool:
    """Whether every encoder takes the text: no half of a surrogate pair stands alone in it."""
    if text.isascii():
        return True
    try:
        for start in range(0, len(text), _STRETCH):
            text[start : start + _STRETCH].encode()
    except UnicodeEncodeError:
        return False
    return True


def text_safe(text: str) -> str:
    """The text as a plain `str`, with surrogate pairs joined, and halves without a partner replaced by U+FFFD.

    JSON may carry an emoji as two escapes; where a service cuts between them, Python gets two strings that no encoder takes.
    """
    text = str.__str__(text)
    return text if sound(text) else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
