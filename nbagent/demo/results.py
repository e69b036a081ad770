"""What a tool returned, read: an error, a table, named values, a number or just text."""

import ast
import csv
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_ERROR = re.compile(r"\s*(?:[\w.]*(?:Error|Exception)\b|error\b|failed\b|traceback\b|tool \S* ?failed)", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:denied|declined|rejected|refused|not approved)\b", re.IGNORECASE)
_EXCEPTION = re.compile(r"\b\w+(?:Error|Exception)\b")
_NOT_A_MEASURE = re.compile(r"(^|_)(id|index|year|month|day|date|week|quarter|code|zip|number|no)$", re.IGNORECASE)
_LONGEST_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values under named columns.

    Attributes:
        total: how many rows there are in all, where `rows` are only the first of them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    total: int | None = None

    @property
    def length(self) -> int:
        """How many rows there are in all."""
        return len(self.rows) if self.total is None else self.total

    def column(self, index: int) -> list[Any]:
        """The values of one column."""
        return [row[index] for row in self.rows]

    def is_numeric(self, index: int) -> bool:
        """Whether a column holds numbers only."""
        return bool(self.rows) and all(is_number(value) for value in self.column(index))

    def measures(self) -> list[int]:
        """The columns that count something: numeric, and neither a year nor an id."""
        return [i for i, name in enumerate(self.columns) if self.is_numeric(i) and is_measure(name)]


@dataclass(frozen=True, slots=True)
class Result:
    """A tool's output, read.

    Attributes:
        text: as it came.
        value: parsed, or the text itself.
        table: the table in it, if there is one.
        facts: single values by name.
        error: what went wrong, in one line, if it did.
        denied: whether the call was not allowed rather than failing.
    """

    text: str
    value: Any = None
    table: Table | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    denied: bool = False


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number, which True is not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_measure(name: str) -> bool:
    """Whether numbers of this name count something, which those of a year or an id do not."""
    return _NOT_A_MEASURE.search(name) is None


def read(text: str) -> Result:
    """The output of a tool, read as far as it can be."""
    value = _parse(text)
    if (error := _error(text, value)) is not None:
        # "ConnectionError: … refused the connection" is a failure; only a text that names no exception speaks of a person's no
        return Result(text, value, error=error, denied=bool(_DENIED.search(error)) and not _EXCEPTION.search(error))
    if isinstance(value, str):
        return Result(text, value, table=_text_table(value))
    table = _table(value)
    if isinstance(value, dict) and table is None:
        facts = dict(_flat(value))
        inner = next(((name, found) for name, item in value.items() if (found := _table(item))), None)
        if inner:
            return Result(text, value, inner[1], {name: item for name, item in facts.items() if not name.startswith(inner[0])})
        return Result(text, value, None, facts)
    return Result(text, value, table)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text[:1] in tuple("[{(") and len(text) <= _LONGEST_TEXT:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return text
        return list(value) if isinstance(value, tuple) else value
    return text


def _error(text: str, value: Any) -> str | None:
    if isinstance(value, dict):
        said = value.get("error")
        if said is None and (value.get("is_error") is True or value.get("isError") is True or value.get("status") == "error"):
            said = value.get("message") or value.get("content") or "no reason given"
        if isinstance(said, dict):
            said = said.get("message") or said
        return _one_line(str(said)) if said else None
    if isinstance(value, str) and (_ERROR.match(value) or _DENIED.search(value[:60])):
        lines = value.strip().splitlines()
        return _one_line(lines[-1] if lines and lines[0].lower().startswith("traceback") else lines[0])
    return None


def _one_line(text: str, most: int = 200) -> str:
    text = " ".join(text.split())
    text = re.sub(r"^error:\s+", "", text, flags=re.IGNORECASE)
    return text if len(text) <= most else text[: most - 1] + "…"


def _table(value: Any) -> Table | None:
    """Records, a DataFrame's shape and first rows, `{"columns": …, "data": …}`, a dict of equal lists, or named numbers."""
    if isinstance(value, list) and value and all(isinstance(row, dict) and row for row in value):
        names = tuple(dict.fromkeys(name for row in value for name in row))
        return Table(tuple(map(str, names)), tuple(tuple(row.get(name) for name in names) for row in value))
    if not isinstance(value, dict):
        return None
    shape = value.get("shape")
    if isinstance(shape, list) and shape and isinstance(shape[0], int) and (head := _table(value.get("rows"))) is not None:
        return Table(head.columns, head.rows, max(shape[0], len(head.rows)))  # a DataFrame, told by its first rows
    columns: Any = value.get("columns")
    data: Any = value.get("data", value.get("rows"))
    if (
        isinstance(columns, list)
        and isinstance(data, list)
        and all(isinstance(r, list) and len(r) == len(columns) for r in data)
    ):
        return Table(tuple(map(str, columns)), tuple(map(tuple, data)))
    lists = [item for item in value.values() if isinstance(item, list)]
    if len(lists) == len(value) > 1 and lists[0] and len({len(item) for item in lists}) == 1 and not _nested(lists):
        return Table(tuple(map(str, value)), tuple(zip(*lists, strict=True)))
    if len(value) > 1 and all(is_number(item) for item in value.values()):
        return Table(("name", "value"), tuple((str(name), item) for name, item in value.items()))
    return None


def _nested(lists: list[list[Any]]) -> bool:
    return any(isinstance(item, list | dict) for one in lists for item in one)


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        path = f"{before}{name}"
        if isinstance(item, dict) and item and before.count(".") < 3:
            yield from _flat(item, f"{path}.")
        else:
            yield path, item


def _text_table(text: str) -> Table | None:
    """A table written as text: Markdown, CSV, tabs, or columns set apart by two spaces. None where rows were left out."""
    if len(text) > _LONGEST_TEXT:
        return None
    lines = [line.rstrip() for line in text.strip("\n").splitlines() if line.strip()]
    if len(lines) < 2 or any(re.search(r"(^|\s)(\.\.\.?|…)(\s|$)", line) for line in lines):
        return None
    if all(line.lstrip().startswith("|") for line in lines):
        rows = [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in lines
            if not re.fullmatch(r"[\s|:-]+", line)
        ]
    elif (mark := next((mark for mark in "\t,;" if all(mark in line for line in lines)), None)) is not None:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=mark)]
    else:
        rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
        if len(rows[1]) == len(rows[0]) + 1:  # pandas prints its index without a heading
            rows = [rows[0], *(row[1:] for row in rows[1:])]
    width = len(rows[0])
    if width < 2 or len(rows) < 2 or any(len(row) != width for row in rows) or any(len(cell) > 40 for cell in rows[0]):
        return None
    return Table(tuple(rows[0]), tuple(tuple(map(_cell, row)) for row in rows[1:]))


def _cell(text: str) -> Any:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d*(e[+-]?\d+)?", text, re.IGNORECASE) else text
