"""Differences of two JSON values, by key."""

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
        is_deep = depth >= MAX_DEPTH  # or inside itself
        if old is new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and not is_deep:
            keys = [*old, *(key for key in new if key not in old)]
            todo += [
                (depth + 1, _key(path, key), old.get(key, _MISSING), new.get(key, _MISSING))
                for key in reversed(keys)
            ]
        elif isinstance(old, list | tuple) and isinstance(new, list | tuple) and not is_deep:
            todo += [(depth + 1, *item) for item in reversed(_items(path, old, new))]
        elif not _same(old, new):
            count += 1
            if count <= MAX_CHANGES:
                sides = {"before": old, "after": new}
                changes.append(
                    {"path": path}
                    | {side: _text(value) for side, value in sides.items() if value is not _MISSING}
                )
    return changes, count


class _Missing:
    """In place of a value that one side does not have."""


_MISSING = _Missing()


def _items(path: str, old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Return the items of two lists in pairs: by position, between those that agree at both
    ends.
    """
    if len(old) == len(new):
        return [(f"{path}[{at}]", *pair) for at, pair in enumerate(zip(old, new, strict=True))]
    shorter = min(len(old), len(new))
    first = next((at for at in range(shorter) if not _same(old[at], new[at])), shorter)
    last = next(
        (at for at in range(shorter - first) if not _same(old[-1 - at], new[-1 - at])),
        shorter - first,
    )
    middle_old, middle_new = old[first : len(old) - last], new[first : len(new) - last]
    return [
        (
            f"{path}[{first + at}]",
            middle_old[at] if at < len(middle_old) else _MISSING,
            middle_new[at] if at < len(middle_new) else _MISSING,
        )
        for at in range(max(len(middle_old), len(middle_new)))
    ]


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, bool) != isinstance(new, bool):
        return False
    try:
        return bool(old == new) or (old != old and new != new)
    except Exception:  # tables, whose comparison is no truth value, and what holds itself
        return old is new or bool(json_of(old) == json_of(new))


def _key(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _clip(value)
    if isinstance(value, dict | list | tuple) and len(value) > VALUE_CHARS:
        return f"{type(value).__name__} of {len(value):,}"
    return _clip(msgspec.json.encode(json_safe(json_of(value))).decode())


def _clip(text: str) -> str:
    return text if len(text) <= VALUE_CHARS else f"{first(text, VALUE_CHARS - 1)}…"
