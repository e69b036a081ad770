"""Answers that hold as much as fits into a message."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from nbagent.protocol.json_size import json_size


def filled(answer: msgspec.Struct, items: Iterable[Any], max_bytes: int) -> str:
    """Return the answer as JSON, with as many of the items as fit in its last field, an empty list."""
    text = _written(answer)
    return f"{text.removesuffix(']}')}{','.join(_fitting(items, max_bytes - json_size(text) - 64))}]}}"


def _fitting(items: Iterable[Any], max_bytes: int) -> Iterator[str]:
    for item in items:
        text = _written(item)
        max_bytes -= json_size(text)  # it travels as a string in a message, with its quotation marks escaped
        if max_bytes < 0:
            return
        yield text


def _written(value: Any) -> str:
    return msgspec.json.encode(value).decode()
