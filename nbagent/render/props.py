"""Checked reading of block props: a snapshot may come from any producer, so no field is trusted to
have its type.
"""

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from nbagent.render.markup.url import inline_image

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


def files_of(props: Props) -> list[Props]:
    """Return the files of a user's message; of a picture held in its address, the data."""
    files = props.get("files")
    return (
        [_with_data(file) for file in files if isinstance(file, dict)]
        if isinstance(files, list)
        else []
    )


def _with_data(file: Props) -> Props:
    url = inline_image(text_of(file, "url"))
    if url is None or text_of(file, "data"):
        return file
    kind, _, data = url.removeprefix("data:").partition(";base64,")
    return {**file, "media_type": kind.lower(), "data": data, "url": None}


def _is_number(value: Any) -> bool:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return known and abs(value) < 1e300 and not math.isnan(value)
