"""Differences of two tables, by cell: DataFrames and Series of pandas and polars, tables of Arrow,
arrays of NumPy.

No library is imported: a table of one exists only where that is loaded.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbagent.mime.text import first

MAX_CELLS = 500_000
"""Cells of a table that are compared; of a larger one, the first rows."""
MAX_ROWS = 40
"""Rows with changes that are listed; further ones are counted."""
MAX_COLUMNS = 12
"""Columns that are listed; those with changes first."""
CELL_CHARS = 80
"""Characters of a cell."""

Pairs = list[tuple[int | None, int | None]]


@dataclass(frozen=True, slots=True)
class Table:
    """The beginning of a table as lists.

    Attributes:
        columns: by name. Of several with one name the later ones have a number.
        labels: of the rows.
        labelled: whether the labels name the rows; otherwise they count them.
        rows: number of rows in all; `labels` has those that are compared.
        types: of the columns.
    """

    columns: dict[str, list[Any]]
    labels: list[Any]
    labelled: bool
    rows: int
    types: dict[str, str]


def table_of(value: Any) -> Table | None:
    """Return the beginning of a table; None if the value is not a table."""
    library, kind = type(value).__module__.partition(".")[0], type(value).__name__
    read = _READERS.get((library, kind))
    if read is None:
        return None
    return read(value)


def table_difference(before: Table, after: Table) -> dict[str, Any]:
    """Return the differences of two tables.

    Returns:
        `columns`: a list of `{"name", "change": "added" | "removed", "types": [before, after]}`,
        the last two where they apply.
        `rows`: a list of `{"label", "change": "added" | "removed", "cells"}`. A cell is its text,
        or `[before, after]`; null where a side has no such column.
        `changed`, `added`, `removed`: numbers of cells, rows and rows. `compared`, `more_rows`,
        `more_columns`: how many rows were compared, if not all, and how many rows and columns are
        left out.
    """
    names = list(dict.fromkeys([*after.columns, *before.columns]))
    shared = [name for name in after.columns if name in before.columns]
    pairs = _aligned(before, after, shared)
    changed = _changed_cells(before, after, shared, pairs)
    differing = [row for row, pair in enumerate(pairs) if row in changed or None in pair]
    columns = {name: _column(before, after, name) for name in names}
    shown = _shown_columns(columns, changed)
    rows = [
        _row(before, after, pairs[row], shown, changed.get(row, set()))
        for row in differing[:MAX_ROWS]
    ]
    made = {
        "columns": [columns[name] for name in shown],
        "rows": rows,
        "changed": sum(map(len, changed.values())),
        "added": sum(left is None for left, _ in pairs),
        "removed": sum(right is None for _, right in pairs),
    }
    extra = {
        "compared": _compared(before, after),
        "more_rows": len(differing) - MAX_ROWS,
        "more_columns": len(names) - len(shown),
    }
    return made | {name: number for name, number in extra.items() if number > 0}


def _shown_columns(
    columns: Mapping[str, Mapping[str, Any]], changed: Mapping[int, set[str]]
) -> list[str]:
    """Return the names of as many columns as are shown, first those in which something differs, in
    the order of the table.
    """
    touched = {name for name, column in columns.items() if len(column) > 1}
    touched.update(*changed.values())
    kept = sorted(columns, key=lambda name: name not in touched)[:MAX_COLUMNS]
    return [name for name in columns if name in kept]


def _changed_cells(
    before: Table, after: Table, shared: Sequence[str], pairs: Pairs
) -> dict[int, set[str]]:
    """Return the names of the columns in which the cells of a pair of rows differ, by the pair's
    number.
    """
    changed: dict[int, set[str]] = {}
    for name in shared:
        old, new = before.columns[name], after.columns[name]
        for row, (left, right) in enumerate(pairs):
            if left is None or right is None:
                continue
            if not same_cell(old[left], new[right]):
                changed.setdefault(row, set()).add(name)
    return changed


def _column(before: Table, after: Table, name: str) -> dict[str, Any]:
    """Return a column's name, and what became of it."""
    if name not in before.columns:
        return {"name": name, "change": "added"}
    if name not in after.columns:
        return {"name": name, "change": "removed"}
    types = [before.types[name], after.types[name]]
    if types[0] == types[1]:
        return {"name": name}
    return {"name": name, "types": types}


def _compared(before: Table, after: Table) -> int:
    """Return the number of rows that are compared, if it is not all of them; else 0."""
    kept = (len(before.labels), len(after.labels))
    if kept == (before.rows, after.rows):
        return 0
    return min(kept)


def same_cell(old: Any, new: Any) -> bool:
    """Return True if two cells are the same; two that hold no number (NaN, NaT, NA) are."""
    if old is new:
        return True
    try:
        return bool(old == new) or bool(old != old and new != new)
    except Exception:  # lists of arrays, pandas' NA
        return repr(old) == repr(new)


def cell_text(value: Any) -> str:
    """Return a cell as text."""
    text = str(value)
    if isinstance(value, float):
        text = f"{value:.10g}"
    if len(text) <= CELL_CHARS:
        return text
    return f"{first(text, CELL_CHARS - 1)}…"


def _row(
    before: Table,
    after: Table,
    pair: tuple[int | None, int | None],
    names: Sequence[str],
    changed: set[str],
) -> dict[str, Any]:
    left, right = pair
    cells: list[Any] = []
    for name in names:
        old, new = _cell(before, name, left), _cell(after, name, right)
        if name in changed:
            cells.append([old, new])
        elif new is None:
            cells.append(old)
        else:
            cells.append(new)
    if left is None:
        return {"label": cell_text(after.labels[right or 0]), "change": "added", "cells": cells}
    if right is None:
        return {"label": cell_text(before.labels[left]), "change": "removed", "cells": cells}
    return {"label": cell_text(after.labels[right]), "cells": cells}


def _cell(table: Table, name: str, row: int | None) -> str | None:
    """Return a cell as text; None where the table has no such row or column."""
    if row is None or name not in table.columns:
        return None
    return cell_text(table.columns[name][row])


def _aligned(before: Table, after: Table, shared: Sequence[str]) -> Pairs:
    """Return the rows in pairs: by label where labels name them, else by position between rows that
    agree at both ends.
    """
    if before.labelled or after.labelled:
        pairs = _aligned_by_label(before.labels, after.labels)
        if pairs is not None:
            return pairs
    return _aligned_by_place(before, after, shared)


def _aligned_by_label(before: Sequence[Any], after: Sequence[Any]) -> Pairs | None:
    """Return the rows in pairs by their labels; None if these do not name one row each."""
    try:
        places, new = {label: at for at, label in enumerate(before)}, set(after)
    except TypeError:  # labels that cannot be hashed
        return None
    if len(places) != len(before) or len(new) != len(after):
        return None
    pairs: Pairs = [(places.get(label), at) for at, label in enumerate(after)]
    return pairs + [(at, None) for label, at in places.items() if label not in new]


def _aligned_by_place(before: Table, after: Table, shared: Sequence[str]) -> Pairs:
    size, other = len(before.labels), len(after.labels)

    def agree(left: int, right: int) -> bool:
        return all(
            same_cell(before.columns[name][left], after.columns[name][right]) for name in shared
        )

    begin = end = 0
    if size != other:
        shorter = min(size, other)
        while begin < shorter and agree(begin, begin):
            begin += 1
        while end < shorter - begin and agree(size - 1 - end, other - 1 - end):
            end += 1
    same: Pairs = [(at, at) for at in range(begin)]
    middle: Pairs = list(itertools.zip_longest(range(begin, size - end), range(begin, other - end)))
    return same + middle + [(size - end + at, other - end + at) for at in range(end)]


def _pandas(frame: Any) -> Table:
    kept = frame.iloc[: _limit(frame.shape[1])]
    columns = [kept.iloc[:, at].tolist() for at in range(kept.shape[1])]
    names = _distinct([_column_name(name) for name in kept.columns])
    types = dict(zip(names, map(str, kept.dtypes), strict=True))
    labelled = type(frame.index).__name__ != "RangeIndex"
    return Table(
        dict(zip(names, columns, strict=True)), kept.index.tolist(), labelled, frame.shape[0], types
    )


def _pandas_series(series: Any) -> Table:
    if series.name is None:
        return _pandas(series.to_frame(name="value"))
    return _pandas(series.to_frame())


def _polars(frame: Any) -> Table:
    columns = [frame.to_series(at) for at in range(frame.width)]
    return _made(list(frame.columns), columns, frame.height)


def _polars_series(series: Any) -> Table:
    return _made([series.name or "value"], [series], len(series))


def _arrow(table: Any) -> Table:
    columns = [table.column(at) for at in range(table.num_columns)]
    return _made(list(table.column_names), columns, table.num_rows)


def _array(array: Any) -> Table | None:
    """Return a plain array of one or two dimensions; None for any other."""
    if array.ndim not in (1, 2) or array.dtype.names is not None:
        return None
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    return _made([str(at) for at in range(array.shape[1])], list(array.T), array.shape[0])


_READERS: dict[tuple[str, str], Callable[[Any], Table | None]] = {
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "GeoDataFrame"): _pandas,
    ("geopandas", "DataFrame"): _pandas,
    ("geopandas", "GeoDataFrame"): _pandas,
    ("pandas", "Series"): _pandas_series,
    ("polars", "DataFrame"): _polars,
    ("polars", "Series"): _polars_series,
    ("pyarrow", "Table"): _arrow,
    ("numpy", "ndarray"): _array,
}
"""Readers of tables, by library and class."""


def _column_name(name: Any) -> str:
    if isinstance(name, tuple):
        return "/".join(map(str, name))
    return str(name)


def _made(names: list[str], columns: list[Any], rows: int) -> Table:
    names, limit = _distinct(names), _limit(len(names))
    lists = [_list(column[:limit]) for column in columns]
    types = [
        str(getattr(column, "dtype", None) or getattr(column, "type", "")) for column in columns
    ]
    labels = list(range(min(rows, limit)))
    return Table(
        dict(zip(names, lists, strict=True)),
        labels,
        False,
        rows,
        dict(zip(names, types, strict=True)),
    )


def _list(column: Any) -> list[Any]:
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, method):
            return list(getattr(column, method)())
    return list(column)


def _limit(columns: int) -> int:
    return MAX_CELLS // max(1, columns)


def _distinct(names: list[str]) -> list[str]:
    made: dict[str, None] = {}
    for name in names:
        free, number = name, 1
        while free in made:
            number += 1
            free = f"{name} ({number})"
        made[free] = None
    return list(made)
