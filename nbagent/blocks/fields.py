"""Checked reading of block props: a snapshot may come from any producer, so no field is trusted to
have its type.
"""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

Props: TypeAlias = Mapping[str, Any]
"""The fields of a block, or of an object in one."""


def text_of(props: Props, *names: str) -> str:
    """Return the first of these fields that is a string and not empty; else an empty string."""
    return next(
        (value for name in names if isinstance(value := props.get(name), str) and value), ""
    )


def number_of(props: Props, *names: str) -> float | None:
    """Return the first of these fields that is a finite number, or None."""
    return next((value for name in names if _is_number(value := props.get(name))), None)


def record_of(props: Props, name: str) -> Props:
    """Return the field if it is a JSON object; else an empty one."""
    value = props.get(name)
    return value if isinstance(value, dict) else {}


def records_of(props: Props, name: str) -> list[Props]:
    """Return the JSON objects in the field if it is a list; else none."""
    value = props.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and abs(value) < 1e300 and not math.isnan(value)
