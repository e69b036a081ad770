"""Items and rows of maps in files: CSV, JSON lines, Parquet."""

import csv
import importlib.util
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from nbagent.errors import NbagentError
from nbagent.many.agreement import agreements, place_of
from nbagent.many.frame import record_of
from nbagent.many.row import Row
from nbagent.run.pandas_module import pandas_module


def read_items(path: str | Path) -> list[Any]:
    """Return the items of a file: its records, as mappings; of CSV all values are texts.

    Args:
        path: a file of `READERS`; of a text file (`.txt`) each line is an item.

    Raises:
        NbagentError: the format is none of these, or the file is not in it.
        MissingExtra: pandas is not installed, which reads Parquet.
        OSError: the file cannot be read.
    """
    path = Path(path)
    read = READERS.get(path.suffix.lower())
    if read is None:
        raise NbagentError(f"{path} is none of {', '.join(READERS)}")
    try:
        return read(path)
    except (ValueError, csv.Error) as error:
        raise NbagentError(f"{path} cannot be read as {path.suffix}: {error}") from error


def column_of(records: Sequence[Any], name: str) -> list[Any]:
    """Return the values of a column of records.

    Raises:
        NbagentError: a record does not have it.
    """
    for number, record in enumerate(records, 1):
        if not isinstance(record, Mapping) or name not in record:
            has = ", ".join(map(repr, record)) if isinstance(record, Mapping) else "no columns"
            raise NbagentError(f"record {number} has no column {name!r}; it has {has}")
    return [record[name] for record in records]


def _read_csv(path: Path) -> list[Any]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def _read_lines(path: Path) -> list[Any]:
    lines = path.read_text("utf-8-sig").split("\n")  # U+2028 may stand in a value
    return [line for line in lines if line.strip()]


def _read_json_lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in _read_lines(path)]


def _read_parquet(path: Path) -> list[Any]:
    records: list[Any] = pandas_module().read_parquet(path).to_dict("records")
    return records


READERS: Mapping[str, Callable[[Path], list[Any]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    ".txt": _read_lines,
}
"""Functions that read a file, by the ending of its name."""


def check_table_file(path: str | Path) -> None:
    """Check that rows can be written to a file, before they are paid for.

    Raises:
        NbagentError: its format is none of `WRITERS`, nothing writes Parquet here, or its folder
            does not exist.
        MissingExtra: pandas is not installed, which writes Parquet.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITERS:
        raise NbagentError(f"{path} is none of {', '.join(WRITERS)}")
    if not path.parent.is_dir():
        raise NbagentError(f"{path.parent} is no folder")
    if path.suffix.lower() == ".parquet":
        pandas_module()
        if not any(map(importlib.util.find_spec, ("pyarrow", "fastparquet"))):
            raise NbagentError(f"{path} needs a package that writes Parquet: pip install pyarrow")


def write_rows(rows: Sequence[Row], path: str | Path) -> None:
    """Write rows to a file, each with its item before its outcome.

    A column of the item that has the name of one of the outcome is written as `item_NAME`.

    Raises:
        NbagentError: the format is none of `WRITERS`.
        MissingExtra: pandas is not installed, which writes Parquet.
        OSError: the file cannot be written.
    """
    path = Path(path)
    check_table_file(path)
    WRITERS[path.suffix.lower()](list(records_of(rows)), path)


def _write_csv(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    columns = dict.fromkeys(itertools.chain(*records))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns))
        writer.writeheader()
        writer.writerows(records)


def _write_json_lines(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    path.write_bytes(json_lines(records))


def _write_parquet(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    pandas_module().DataFrame(records).to_parquet(path)


WRITERS: Mapping[str, Callable[[Sequence[Mapping[str, Any]], Path], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
    ".parquet": _write_parquet,
}
"""Functions that write records to a file, by the ending of its name."""


def json_lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    """Return records as JSON, one in each line."""
    return b"".join(msgspec.json.encode(record, enc_hook=str) + b"\n" for record in records)


def records_of(rows: Sequence[Row]) -> Iterable[dict[str, Any]]:
    """Yield what is known of each row: its item, and how it ended."""
    is_repeated = any(row.repeat > 1 for row in rows)
    has_agents = len({row.agent for row in rows}) > 1
    found = agreements(rows)
    for row in rows:
        outcome: dict[str, Any] = {}
        if has_agents:
            outcome["agent"] = row.agent
        if is_repeated:
            outcome |= {"repeat": row.repeat, "agreement": found.get(place_of(row))}
        outcome |= record_of(row)
        yield _item_record(row.item.value, outcome) | outcome


def _item_record(value: Any, others: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as a record, whose names are not those of other columns."""
    if not isinstance(value, Mapping):
        value = {"item": value}
    record = {}
    for name in value:
        free = f"item_{name}" if name in others else str(name)
        record[free] = value[name]
    return record
