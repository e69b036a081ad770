"""Differences of two JSON values, by key."""

import itertools
from typing import Any

import msgspec

from nbagent.events.jsonable import json_safe
from nbagent.mime.shrink import json_of
from nbagent.mime.text import first

MAX_CHANGES = 200
"""Changes that are listed; further ones are counted."""
VALUE_CHARS = 300
"""Characters of a value in a list of changes."""
MAX_DEPTH = 64
"""Levels of containers that are compared by key; a deeper one is compared as a whole."""
MAX_VALUES = 2_000_000
"""Values that are compared; what comes after them is not."""

Change = dict[str, Any]


def json_difference(before: Any, after: Any) -> tuple[list[Change], int]:
    """Return the differences of two JSON values, and their number.

    Returns:
        The first `MAX_CHANGES`, each `{"path": "a.b[2]", "before": text, "after": text}`. A key or
        an item that only one side has lacks the other text. The path of the whole value is "".
    """
    changes: list[Change] = []
    count = 0
    left = MAX_VALUES
    todo: list[tuple[int, str, Any, Any]] = [(0, "", before, after)]
    while todo and left:
        depth, path, old, new = todo.pop()
        left -= 1
        if old is new:
            continue
        inner: list[_Pair] | None = None
        if depth < MAX_DEPTH:  # a deeper value may be inside itself
            inner = _inner(path, old, new)
        if inner is not None:
            todo += [(depth + 1, *pair) for pair in reversed(inner)]
        elif not _same(old, new):
            count += 1
            if count <= MAX_CHANGES:
                changes.append(_change(path, old, new))
    return changes, count


class _Missing:
    """Placeholder of a value that one side does not have."""


_MISSING = _Missing()

_Pair = tuple[str, Any, Any]
"""The path of a value, and the value on both sides."""


def _change(path: str, old: Any, new: Any) -> Change:
    change: Change = {"path": path}
    if old is not _MISSING:
        change["before"] = _text(old)
    if new is not _MISSING:
        change["after"] = _text(new)
    return change


def _inner(path: str, old: Any, new: Any) -> list[_Pair] | None:
    """Return the values in two containers in pairs; None if they are not two of one kind."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        return [(_key(path, key), old.get(key, _MISSING), new.get(key, _MISSING)) for key in keys]
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        return _items(path, old, new)
    return None


def _items(path: str, old: Any, new: Any) -> list[_Pair]:
    """Return the items of two lists in pairs: by position, between those that agree at both
    ends.
    """
    size, other = len(old), len(new)
    begin = end = 0
    if size != other:
        shorter = min(size, other)
        while begin < shorter and _same(old[begin], new[begin]):
            begin += 1
        while end < shorter - begin and _same(old[size - 1 - end], new[other - 1 - end]):
            end += 1
    middle = itertools.zip_longest(
        old[begin : size - end], new[begin : other - end], fillvalue=_MISSING
    )
    return [(f"{path}[{at}]", *pair) for at, pair in enumerate(middle, begin)]


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, bool) != isinstance(new, bool):
        return False
    try:
        return bool(old == new) or (old != old and new != new)
    except Exception:  # tables, whose comparison is no truth value, and what holds itself
        return old is new or bool(json_of(old) == json_of(new))


def _key(path: str, key: Any) -> str:
    if not path:
        return str(key)
    return f"{path}.{key}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _clip(value)
    if isinstance(value, (dict, list, tuple)) and len(value) > VALUE_CHARS:
        return f"{type(value).__name__} of {len(value):,}"
    return _clip(msgspec.json.encode(json_safe(json_of(value))).decode())


def _clip(text: str) -> str:
    if len(text) <= VALUE_CHARS:
        return text
    return f"{first(text, VALUE_CHARS - 1)}…"
