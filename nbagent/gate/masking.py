"""Masking of the strings in a JSON value."""

from collections.abc import Callable
from typing import Any


def mask_json(value: Any, mask: Callable[[str], str], *, numbers: bool = False) -> Any:
    """Return the JSON value with its strings and keys masked; the same object if nothing in it is masked.

    Args:
        value: any JSON value.
        mask: returns a masked text.
        numbers: mask numbers too, as their text. One that is masked becomes a string.
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        made = {
            mask(key) if isinstance(key, str) else key: mask_json(item, mask, numbers=numbers) for key, item in value.items()
        }
        return made if made != value else value
    if isinstance(value, list | tuple):
        items = [mask_json(item, mask, numbers=numbers) for item in value]
        return items if items != list(value) else value
    if not numbers or value is None or isinstance(value, bool):
        return value
    text = str(value)
    masked = mask(text)
    return value if masked == text else masked
