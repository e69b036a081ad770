"""Values in one short line."""

import re
from collections.abc import Callable
from typing import Any

from nbagent.events.jsonable import text_safe
from nbagent.mime.image import bytes_label
from nbagent.mime.styled_table import table_of
from nbagent.mime.text import LINE_CHARS, count, line, quote, without_addresses

_REPR_OF_NAME = re.compile(r"<[\w.<>]+ object(?: at 0x[0-9A-Fa-f]+)?>")
"""A repr that only names the class, such as `<IPython.core.display.HTML object>`."""
_WHOLE_CHARS = 60
"""Characters of a dict, list or tuple that is written whole instead of being measured."""
_WHOLE_DEPTH = 3
_BARE_KEY = re.compile(r"[^\W\d][\w.%-]*(?: [\w.%-]+)*")
_BRACKETS: dict[type, str] = {dict: "{{{}}}", list: "[{}]", tuple: "({})"}


def summary_of(value: Any) -> str:
    """Return a value in one short line: `{USD: 1.08, CHF: 0.95}`, `list of 400`, `DataFrame 120×4`,
    `'text…'`, `0`.
    """
    try:
        return text_safe(line(without_addresses(_measure(table_of(value)))))
    except Exception as error:
        return f"{type(value).__name__} (no summary: {type(error).__name__})"


def is_whole(summary: str, value: Any) -> bool:
    """Return True if the summary of a value, as JSON or as its text, leaves nothing of it out.

    A summary that is longer than a line, which only a producer of events can make, is cut where it
    is shown.
    """
    if len(summary) > LINE_CHARS:
        return False
    if not isinstance(value, str):
        return summary == _whole(value)
    if len(value) > len(summary):  # to write it once more may take all memory
        return False
    return summary in (value, repr(value)) and value.isprintable()


def _whole(value: Any, depth: int = 0) -> str | None:
    """Return a number, a short text, or a short dict, list or tuple of these, on one line; None for
    all else.
    """
    if hasattr(type(value), "item") and getattr(value, "shape", None) == ():
        value = value.item()  # a number of NumPy's
    # Not its subclasses, which may have a repr of their own.
    kind = type(value)
    if kind in _BRACKETS:
        return _whole_collection(value, depth)
    is_short = _IS_SHORT.get(kind)
    if is_short is None or not is_short(value):
        return None
    return repr(value)


_IS_SHORT: dict[type, Callable[[Any], bool]] = {
    float: lambda number: True,
    bool: lambda value: True,
    type(None): lambda value: True,
    int: lambda number: number.bit_length() < _WHOLE_CHARS,
    str: lambda text: len(text) <= _WHOLE_CHARS,
}
"""Functions that say whether a value is written whole, by its class."""


def _whole_collection(value: Any, depth: int) -> str | None:
    if len(value) > _WHOLE_CHARS or depth > _WHOLE_DEPTH:
        return None
    kind = type(value)
    members: list[str] = []
    for member in value:
        key, item = "", member
        if kind is dict:
            key, item = f"{_key(member)}: ", value[member]
        written = _whole(item, depth + 1)
        if written is None:
            return None
        members.append(key + written)
    if kind is tuple and len(members) == 1:
        members.append("")  # for the comma
    whole = _BRACKETS[kind].format(", ".join(members).rstrip())
    if len(whole) > _WHOLE_CHARS:
        return None
    return whole


def _key(key: Any) -> str:
    if isinstance(key, str) and _BARE_KEY.fullmatch(key):
        return key
    return repr(key)


def _measure(value: Any) -> str:
    """Return the type and size of a value; its repr if it has no size."""
    for kinds, measure in _MEASURES:
        if isinstance(value, kinds):
            return measure(value)
    return _measure_object(value)


def _measure_collection(value: Any) -> str:
    """Return a short dict, list or tuple whole, any other as its type and length."""
    match value:
        case [{"type": "text", "text": str(text)}] if type(value) is list:  # MCP's content
            return quote(text)
        case tuple() if hasattr(value, "_fields"):  # its repr names its fields
            return _measure_object(value)
    name = type(value).__name__
    if not value:
        return f"empty {name}"
    whole = _whole(value)
    if whole is not None:
        return whole
    if isinstance(value, dict):
        return f"{name} with {count(len(value), 'key')}"
    return f"{name} of {len(value):,}"


def _measure_exception(value: BaseException) -> str:
    return f"{type(value).__name__}: {value}"


def _measure_object(value: Any) -> str:
    """Return the class of an object with its number of traces or its size; else its repr."""
    name = type(value).__name__
    if hasattr(type(value), "to_plotly_json"):
        traces = getattr(value, "data", None)
        if isinstance(traces, tuple):
            return f"{name} with {count(len(traces), 'trace')}"
    if size := _size(value):
        sides = "×".join(f"{side:,}" for side in size)
        return f"{name} {sides}"
    text = repr(value)
    if _REPR_OF_NAME.fullmatch(text):
        return name
    return text


_MEASURES: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (str, quote),
    (bytes | bytearray | memoryview, bytes_label),
    (dict | list | tuple | set | frozenset, _measure_collection),
    (BaseException, _measure_exception),
    (type, repr),
)
"""Functions that measure values, by their classes. A class is written by its repr, since its
attributes are those of its objects.
"""


def _size(value: Any) -> tuple[int, ...]:
    """Return the lengths of a table, an array, a figure or an image along its axes; empty for
    anything else.
    """
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and set(map(type, shape)) == {int}:
        return shape
    if hasattr(value, "savefig") and hasattr(value, "get_size_inches"):
        return tuple(round(inches * value.dpi) for inches in value.get_size_inches())
    match getattr(value, "mode", None), getattr(value, "size", None):
        case str(), (width, height):  # an image of Pillow's
            return width, height
    return ()
