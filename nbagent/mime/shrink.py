"""A value as JSON of a bounded size, for a model or a reader."""

import dataclasses
import datetime
import decimal
import enum
import math
import pathlib
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from nbagent.events.jsonable import text_safe
from nbagent.mime.text import KB, count, text_of

_ROWS = 20
DEPTH = 32
"""Levels of a value that are read."""


def json_of(value: Any, limit: int = 16 * KB) -> Any:
    """A tool's return value as a model gets to see it.

    Args:
        value: anything. Tables become their shape and first rows, objects with fields become dicts, NaN and infinities null.
        limit: about how many bytes of JSON it may make; what is left out is counted in its place ("… 12 more items").

    Returns:
        JSON: dicts, lists, strings, numbers, booleans, None.
    """
    return Shrinker(limit).json(value, DEPTH)


class Shrinker:
    """Turns a value into JSON that stays within a number of bytes, give or take its last marks of omission.

    Args:
        limit: the bytes. Afterwards `left` says how many are unused, and `cut` whether something is left out.
    """

    def __init__(self, limit: int) -> None:
        self.left = limit
        self.cut = False

    def json(self, value: Any, depth: int) -> Any:
        """The value as JSON, at most `depth` levels of it."""
        if isinstance(value, enum.Enum):
            value = value.value
        if value is None or isinstance(value, bool):
            self.left -= 5
            return value
        if isinstance(value, int | float):
            return self._number(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self._text(f"<{count(len(value), 'byte')}>")
        if depth <= 0:
            self.cut = True
            return "…"
        try:
            value = _parts_of(value)
        except Exception as error:
            value = f"<{type(value).__name__} that cannot be read: {type(error).__name__}: {error}>"
        if isinstance(value, dict):
            return self._dict(value, depth)
        if isinstance(value, list | tuple):
            return self._list(value, depth)
        return self._text(value) if isinstance(value, str) else self.json(value, depth - 1)

    def _number(self, value: int | float) -> Any:
        if isinstance(value, float):
            self.left -= 20
            return float(value) if math.isfinite(value) else None
        # JSON readers take larger ones for floats, or refuse them.
        if -(2**63) <= value < 2**64:
            self.left -= 20
            return int(value)
        return self._text(hex(value))

    def _text(self, text: str) -> str:
        room = max(self.left, 0)
        head = text_safe(text[:room])
        while (size := len(msgspec.json.encode(head))) > room + 2:
            head = head[: len(head) * room // size]
        self.left -= size
        if len(head) >= len(text):
            return head
        self.cut = True
        return f"{head}… {count(len(text) - len(head), 'more character')}"

    def _list(self, items: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        out: list[Any] = []
        self.left -= 2
        for item in items:
            if self.left <= 0:
                self.cut = True
                out.append(f"… {count(len(items) - len(out), 'more item')}")
                break
            out.append(self.json(item, depth - 1))
            self.left -= 1
        return out

    def _dict(self, items: dict[Any, Any], depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        self.left -= 2
        for number, (key, item) in enumerate(items.items()):
            if self.left <= 0:
                self.cut = True
                out["…"] = count(len(items) - number, "more key")
                break
            name = self._text(key if isinstance(key, str) else text_of(key))
            out[name] = self.json(item, depth - 1)
            self.left -= 2
        return out


def _parts_of(value: Any) -> Any:
    """One level of a value, in terms of dicts, lists and plain values; what has no parts becomes its text."""
    kind = type(value)
    if isinstance(value, type):
        return text_of(value)
    if isinstance(value, datetime.date | datetime.time):
        said = value.isoformat()
        return said.removesuffix("T00:00:00")  # a column of days is one of timestamps in pandas
    if isinstance(value, decimal.Decimal | uuid.UUID | pathlib.PurePath | datetime.timedelta):
        return str(value)
    if isinstance(value, BaseException):
        return f"{kind.__name__}: {value}"
    if isinstance(getattr(value, "shape", None), tuple):
        return _array(value)
    if hasattr(kind, "model_dump"):
        return value.model_dump()
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    if hasattr(kind, "_fields") and isinstance(value, tuple):
        return dict(zip(kind._fields, value, strict=True))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, set | frozenset):
        return list(value)
    return str(value)


def _array(value: Any) -> Any:
    """A table, a series or an array: all of it if it is small, else its shape and its head."""
    shape = list(value.shape)
    if not shape:
        return value.item()
    if hasattr(value, "columns") and hasattr(value, "head"):
        table = value.head(_ROWS)
        index = getattr(table, "index", None)
        if index is not None and type(index).__name__ != "RangeIndex" and not set(index.names) & set(table.columns):
            table = table.reset_index()  # an index that means something: groups, dates
        rows = table.to_dict("records") if hasattr(table, "to_dict") and index is not None else table.to_dicts()
        return {"type": type(value).__name__, "shape": shape, "rows": rows, **_missing(shape[0], _ROWS, "row")}
    most = _ROWS * 10
    head = value.head(most) if hasattr(value, "head") else value if math.prod(shape) <= most else value.ravel()[:most]
    if hasattr(head, "index") and hasattr(head, "to_dict"):
        items: Any = head.to_dict()
    else:
        items = head.to_list() if hasattr(head, "to_list") else head.tolist()
    if isinstance(items, list) and math.prod(shape) <= most:
        return items
    return {"type": type(value).__name__, "shape": shape, "values": items, **_missing(math.prod(shape), most, "value")}


def _missing(total: int, shown: int, noun: str) -> dict[str, str]:
    return {"…": count(total - shown, f"more {noun}")} if total > shown else {}
