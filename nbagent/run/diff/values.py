"""Differences of two values of any type, as plain JSON."""

from collections.abc import Mapping
from typing import Any

from nbagent.mime.shrink import json_of
from nbagent.mime.summary import summary_of
from nbagent.mime.text import MASK, count
from nbagent.run.diff.json import json_difference
from nbagent.run.diff.tables import same_cell, table_difference, table_of
from nbagent.run.diff.texts import text_difference

TEXT_CHARS = 2_000_000
"""Characters of a text that are compared."""
JSON_BYTES = 1_000_000
"""Bytes of the JSON of an object that is compared by its fields."""


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
    old, new = table_of(before), table_of(after)
    if old is not None and new is not None:
        made = table_difference(old, new)
        changed = made["changed"] + made["added"] + made["removed"]
        is_same = (
            not changed
            and not any(len(column) > 1 for column in made["columns"])
            and "compared" not in made
        )
        return {"kind": "same"} if is_same else {"kind": "table", **made}
    if isinstance(before, str) and isinstance(after, str):
        if before == after:
            return {"kind": "same"}
        return {"kind": "text", "pieces": text_difference(_shown(before), _shown(after))}
    left, right = (
        value if _is_json(value) else json_of(value, JSON_BYTES) for value in (before, after)
    )
    if (
        old is None
        and new is None
        and isinstance(left, dict | list | tuple)
        and isinstance(right, dict | list | tuple)
    ):
        changes, number = json_difference(left, right)
        return {"kind": "json", "changes": changes, "count": number} if number else {"kind": "same"}
    if (
        old is None
        and new is None
        and _is_plain(left)
        and type(left) is type(right)
        and same_cell(left, right)
    ):
        return {"kind": "same"}
    return {"kind": "value", "before": summary_of(before), "after": summary_of(after)}


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
    parts = [
        f"{count(diff['changed'], 'cell')} {'differs' if diff['changed'] == 1 else 'differ'}"
        if diff.get("changed")
        else "",
        *(f"{count(diff[name], 'row')} {name}" for name in ("added", "removed") if diff.get(name)),
        *(
            f"{count(number, 'column')} {name}"
            for name in ("added", "removed")
            if (number := sum(column.get("change") == name for column in columns))
        ),
    ]
    retyped = sum("types" in column for column in columns)
    parts.append(f"{count(retyped, 'column')} of another type" if retyped else "")
    if compared := diff.get("compared"):
        parts.append(f"of the first {count(compared, 'row')}")
    found = ", ".join(filter(None, parts))
    return (
        found
        if any(parts[:-1])
        else f"no difference in the first {count(diff.get('compared', 0), 'row')}"
    )


def _is_json(value: Any) -> bool:
    return isinstance(value, dict | list | tuple | str | int | float | None)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | None)


def _shown(text: str) -> str:
    """Return a text as it may be seen: of a secret in two pieces, none would be found later."""
    mask = MASK.get()
    return text[:TEXT_CHARS] if mask is None else mask(text[:TEXT_CHARS])
