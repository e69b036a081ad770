"""Checked reading of block props: a snapshot may come from any producer, so no field is trusted to
have its type.
"""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeGuard

Props: TypeAlias = Mapping[str, Any]
"""The fields of a block, or of an object in one."""


def text_of(props: Props, *names: str) -> str:
    """Return the first of these fields that is a string and not empty; else an empty string."""
    for name in names:
        value = props.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def number_of(props: Props, *names: str) -> float | None:
    """Return the first of these fields that is a finite number, or None."""
    for name in names:
        value = props.get(name)
        if _is_number(value):
            return value
    return None


def count_of(props: Props, name: str) -> float:
    """Return the field if it is a finite number; else 0."""
    return number_of(props, name) or 0


def record_of(props: Props, name: str) -> Props:
    """Return the field if it is a JSON object; else an empty one."""
    value = props.get(name)
    return value if isinstance(value, dict) else {}


def records_of(props: Props, name: str) -> list[Props]:
    """Return the JSON objects in the field if it is a list; else none."""
    return [each for each in items_of(props, name) if isinstance(each, dict)]


def texts_of(props: Props, name: str) -> list[str]:
    """Return the strings in the field if it is a list; else none."""
    return [each for each in items_of(props, name) if isinstance(each, str)]


def items_of(props: Props, name: str) -> list[Any]:
    """Return the field if it is a list; else an empty one."""
    value = props.get(name)
    return value if isinstance(value, list) else []


def _is_number(value: Any) -> TypeGuard[float]:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return known and abs(value) < 1e300 and not math.isnan(value)
