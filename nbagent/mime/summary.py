"""Values in one short line."""

import re
from typing import Any

from nbagent.events.jsonable import text_safe
from nbagent.mime.image import bytes_label
from nbagent.mime.styled_table import table_of
from nbagent.mime.text import count, line, quote, without_addresses

_REPR_OF_NAME = re.compile(r"<[\w.<>]+ object(?: at 0x[0-9A-Fa-f]+)?>")
"""A repr that only names the class, such as `<IPython.core.display.HTML object>`."""


def summary_of(value: Any) -> str:
    """Return a value in one short line: `list of 4`, `dict with 3 keys`, `DataFrame 120×4`, `'text…'`, `0`."""
    try:
        return text_safe(line(without_addresses(_measure(table_of(value)))))
    except Exception as error:
        return f"{type(value).__name__} (no summary: {type(error).__name__})"


def _measure(value: Any) -> str:
    """Return the type and size of a value; its repr if it has no size."""
    name = type(value).__name__
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes_label(value)
    if isinstance(value, dict):
        return f"{name} with {count(len(value), 'key')}" if value else f"empty {name}"
    if isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "_fields"):
        if len(value) == 1 and isinstance(value, list) and isinstance(text := _text_item(value[0]), str):
            return quote(text)
        return f"{name} of {len(value):,}" if value else f"empty {name}"
    if isinstance(value, BaseException):
        return f"{name}: {value}"
    if hasattr(type(value), "to_plotly_json") and isinstance(traces := getattr(value, "data", None), tuple):
        return f"{name} with {count(len(traces), 'trace')}"
    if not isinstance(value, type) and (size := _size(value)):
        return f"{name} {'×'.join(f'{side:,}' for side in size)}"
    text = repr(value)
    return name if _REPR_OF_NAME.fullmatch(text) else text


def _size(value: Any) -> tuple[int, ...]:
    """Return the lengths of a table, an array, a figure or an image along its axes; empty for anything else."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape and all(isinstance(side, int) for side in shape):
        return shape
    if hasattr(value, "savefig") and hasattr(value, "get_size_inches"):
        return tuple(round(inches * value.dpi) for inches in value.get_size_inches())
    size = getattr(value, "size", None)
    if isinstance(size, tuple) and len(size) == 2 and isinstance(getattr(value, "mode", None), str):
        return size
    return ()


def _text_item(item: Any) -> Any:
    """Return the text of a content part such as MCP's `{"type": "text", "text": …}`."""
    return item.get("text") if isinstance(item, dict) and item.get("type") == "text" else None
