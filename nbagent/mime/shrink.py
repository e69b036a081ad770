"""A value as JSON of a bounded size, for a model or a reader."""

import dataclasses
import datetime
import decimal
import enum
import math
import pathlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from nbagent.events.jsonable import INT64, BoundedJsonConverter, JsonPolicy, nonfinite_text
from nbagent.mime.image import bytes_label
from nbagent.mime.styled_table import table_of
from nbagent.mime.text import KB, count, text_of, without_addresses

_MAX_ROWS = 20
_MAX_VALUES = 200


def json_of(value: Any, max_bytes: int = 16 * KB) -> Any:
    """Return a tool's return value as a model gets to see it.

    Args:
        value: anything. Tables become their shape and first rows, objects with fields become dicts,
            NaN and infinities the texts "NaN", "Infinity" and "-Infinity".
        max_bytes: approximate limit of its JSON in bytes; omitted items are counted in their place
            ("… 12 more items").

    Returns:
        JSON: dicts, lists, strings, numbers, booleans, None. A value whose own class raises becomes
        its text.
    """
    try:
        return _ValueConverter(_VALUE, max_bytes).convert(value)
    except Exception:
        return _ValueConverter(_VALUE, max_bytes).convert(text_of(value))


def whole_json(value: Any, max_bytes: int) -> Any:
    """Return the value as JSON, or None if it is too large or too deep to be shown as a whole."""
    converter = _ValueConverter(_VALUE, max_bytes)
    made = converter.convert(value)
    if converter.cut:
        return None
    return made


class _ValueConverter(BoundedJsonConverter):
    """Converter in whose texts no address of an object stands."""

    __slots__ = ()

    def _text(self, text: str) -> str:
        return super()._text(without_addresses(text))


def _expand(value: Any) -> Any:
    try:
        return _parts_of(value)
    except Exception as error:
        return f"<{type(value).__name__} that cannot be read: {type(error).__name__}: {error}>"


_VALUE = JsonPolicy(
    max_depth=32, integers=INT64, integer_text=hex, expand=_expand, nonfinite=nonfinite_text
)


_NO_FIELDS = object()


def _parts_of(value: Any) -> Any:
    """Return one level of a value as a dict, a list or a plain value; a value without parts becomes
    its text.
    """
    value = table_of(value)
    for classes, convert in _PLAIN_FORMS:
        if isinstance(value, classes):
            return convert(value)
    if isinstance(getattr(value, "shape", None), tuple):
        return _array(value)
    fields = _fields_of(value)
    if fields is not _NO_FIELDS:
        return fields
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    return str(value)


def _fields_of(value: Any) -> Any:
    """Return the fields of an object that declares them, by name; `_NO_FIELDS` of any other."""
    kind = type(value)
    if hasattr(kind, "model_dump"):
        return value.model_dump()
    names: Iterable[str]
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
    elif isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
    elif hasattr(kind, "_fields") and isinstance(value, tuple):
        names = kind._fields
    else:
        return _NO_FIELDS
    return {name: getattr(value, name) for name in names}


def _time_text(value: datetime.date | datetime.time) -> str:
    """Return a time; a column of days is one of timestamps in pandas."""
    return value.isoformat().removesuffix("T00:00:00")


def _error_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


_PLAIN_FORMS: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((enum.Enum,), lambda member: member.value),
    ((bytes, bytearray, memoryview), lambda data: f"<{bytes_label(data)}>"),
    ((type,), text_of),
    ((datetime.date, datetime.time), _time_text),
    ((decimal.Decimal, uuid.UUID, pathlib.PurePath, datetime.timedelta), str),
    ((BaseException,), _error_text),
)
"""Classes whose values have no parts, and the plain form of such a value. The first that fits
counts.
"""


def _array(value: Any) -> Any:
    """Return a table, a series or an array: all of it if it is small, else its shape and its
    head.
    """
    shape = list(value.shape)
    if not shape:
        return value.item()
    described = {"type": type(value).__name__, "shape": shape}
    if hasattr(value, "columns") and hasattr(value, "head"):
        rows = _rows(value.head(_MAX_ROWS))
        return {**described, "rows": rows, **_missing(shape[0], _MAX_ROWS, "row")}
    size = math.prod(shape)
    items = _values(value, size)
    if isinstance(items, list) and size <= _MAX_VALUES:
        return items
    return {**described, "values": items, **_missing(size, _MAX_VALUES, "value")}


def _rows(table: Any) -> list[dict[Any, Any]]:
    """Return the rows of a table of pandas or Polars, with the index if it means something."""
    index = getattr(table, "index", None)
    if index is None or not hasattr(table, "to_dict"):
        rows: list[dict[Any, Any]] = table.to_dicts()
        return rows
    is_numbered = type(index).__name__ == "RangeIndex"
    if not is_numbered and not set(index.names) & set(table.columns):
        table = table.reset_index()  # groups, dates
    return _records(table)


def _values(value: Any, size: int) -> Any:
    """Return the first values of a series or an array of `size` values: a list, or a dict of a
    series with an index.
    """
    if hasattr(value, "head"):
        value = value.head(_MAX_VALUES)
    elif size > _MAX_VALUES:
        value = value.ravel()[:_MAX_VALUES]
    if hasattr(value, "index") and hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "to_list"):
        return value.to_list()
    return value.tolist()


def _records(table: Any) -> list[dict[Any, Any]]:
    """Return the rows of a pandas table.

    NaN is a number in columns of floats; elsewhere it stands for a missing value.
    """
    floats = {column for column, dtype in table.dtypes.items() if getattr(dtype, "kind", "") == "f"}
    rows: list[dict[Any, Any]] = table.to_dict("records")
    for row in rows:
        for column, value in row.items():
            if column not in floats and type(value) is float and not math.isfinite(value):
                row[column] = None
    return rows


def _missing(total: int, shown: int, noun: str) -> dict[str, str]:
    if total <= shown:
        return {}
    return {"…": count(total - shown, f"more {noun}")}
