"""Differences of two values of any type, as plain JSON."""

from collections import Counter
from collections.abc import Mapping
from types import NoneType
from typing import Any

from nbagent.mime.shrink import json_of
from nbagent.mime.summary import summary_of
from nbagent.mime.text import MASK, count
from nbagent.run.diff.json import json_difference
from nbagent.run.diff.tables import Table, same_cell, table_difference, table_of
from nbagent.run.diff.texts import text_difference

TEXT_CHARS = 2_000_000
"""Characters of a text that are compared."""
JSON_BYTES = 1_000_000
"""Bytes of the JSON of an object that is compared by its fields."""

_CHANGES = ("added", "removed")


def difference(before: Any, after: Any, *, pictures: bool = False) -> dict[str, Any]:
    """Return the difference of two values, as plain JSON.

    Args:
        before: any value.
        after: any value.
        pictures: both are shown as pictures.

    Returns:
        A dict with `kind`:
        `same`: nothing differs.
        `text`: `pieces`, see `text_difference`.
        `json`: `changes` and `count`, see `json_difference`.
        `table`: see `table_difference`.
        `picture`: nothing more; the pictures are shown next to each other.
        `value`: `before` and `after`, each in one line: values of different types, or of a type
        that is compared no further.
    """
    if before is after:
        return {"kind": "same"}
    if pictures:
        return {"kind": "picture"}
    if isinstance(before, str) and isinstance(after, str):
        return _of_texts(before, after)
    old, new = table_of(before), table_of(after)
    if old is not None and new is not None:
        return _of_tables(old, new)
    if old is None and new is None:
        found = _of_json(before, after)
        if found is not None:
            return found
    return {"kind": "value", "before": summary_of(before), "after": summary_of(after)}


def _of_texts(before: str, after: str) -> dict[str, Any]:
    if before == after:
        return {"kind": "same"}
    return {"kind": "text", "pieces": text_difference(_shown(before), _shown(after))}


def _of_tables(before: Table, after: Table) -> dict[str, Any]:
    made = table_difference(before, after)
    rows_differ = any(made[name] for name in ("changed", "added", "removed"))
    columns_differ = any(len(column) > 1 for column in made["columns"])
    if rows_differ or columns_differ or "compared" in made:
        return {"kind": "table", **made}
    return {"kind": "same"}


def _of_json(before: Any, after: Any) -> dict[str, Any] | None:
    """Return the difference of two values as JSON; None if one of them has no such form, or if
    they are different plain values.
    """
    left, right = _as_json(before), _as_json(after)
    if isinstance(left, (dict, list, tuple)) and isinstance(right, (dict, list, tuple)):
        changes, number = json_difference(left, right)
        if not number:
            return {"kind": "same"}
        return {"kind": "json", "changes": changes, "count": number}
    if _is_plain(left) and type(left) is type(right) and same_cell(left, right):
        return {"kind": "same"}
    return None


def _as_json(value: Any) -> Any:
    if _is_json(value):
        return value
    return json_of(value, JSON_BYTES)


def headline(diff: Mapping[str, Any]) -> str:
    """Return a difference in a few words: `3 cells differ, 1 row added`."""
    match diff.get("kind"):
        case "same":
            return "no difference"
        case "text":
            return "the text differs"
        case "json":
            return f"{count(diff.get('count', 0), 'difference')}"
        case "table":
            return _table_headline(diff)
        case "picture":
            return "two pictures"
        case _:
            return "another result"


def _table_headline(diff: Mapping[str, Any]) -> str:
    columns = [column for column in diff.get("columns", ()) if isinstance(column, dict)]
    changes = Counter(column.get("change") for column in columns)
    parts: list[str] = []
    cells = diff.get("changed")
    if cells == 1:
        parts.append("1 cell differs")
    elif cells:
        parts.append(f"{count(cells, 'cell')} differ")
    parts += [f"{count(diff[name], 'row')} {name}" for name in _CHANGES if diff.get(name)]
    parts += [f"{count(changes[name], 'column')} {name}" for name in _CHANGES if changes[name]]
    retyped = sum("types" in column for column in columns)
    if retyped:
        parts.append(f"{count(retyped, 'column')} of another type")
    compared = count(diff.get("compared", 0), "row")
    if not parts:
        return f"no difference in the first {compared}"
    if diff.get("compared"):
        parts.append(f"of the first {compared}")
    return ", ".join(parts)


def _is_json(value: Any) -> bool:
    return isinstance(value, (dict, list, tuple, str, int, float, NoneType))


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float, NoneType))


def _shown(text: str) -> str:
    """Return a text as it may be seen: of a secret in two pieces, none would be found later."""
    mask = MASK.get()
    text = text[:TEXT_CHARS]
    if mask is None:
        return text
    return mask(text)
