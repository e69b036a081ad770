"""Items and rows of maps in files: CSV, JSON lines, Parquet."""

import csv
import importlib.util
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from nbagent.errors import NbagentError
from nbagent.many.agreement import agreements, place_of
from nbagent.many.frame import record_of
from nbagent.many.row import Row
from nbagent.run.pandas_module import pandas_module

FORMATS = (".csv", ".jsonl", ".parquet")
"""Endings of the names of files that can be read and written."""


def read_items(path: str | Path) -> list[Any]:
    """Return the items of a file: its records, as mappings; of CSV all values are texts.

    Args:
        path: a file of `FORMATS`, or a text file with an item in each line (`.txt`).

    Raises:
        NbagentError: the format is none of these, or the file is not in it.
        MissingExtra: pandas is not installed, which reads Parquet.
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        return _read(path)
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


def _read(path: Path) -> list[Any]:
    match path.suffix.lower():
        case ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                return list(csv.DictReader(file, strict=True))
        case ".jsonl":
            lines = path.read_text("utf-8-sig").split("\n")  # U+2028 may stand in a value
            return [json.loads(line) for line in lines if line.strip()]
        case ".parquet":
            records: list[Any] = pandas_module().read_parquet(path).to_dict("records")
            return records
        case ".txt":
            return [line for line in path.read_text("utf-8-sig").split("\n") if line.strip()]
    raise NbagentError(f"{path} is none of {', '.join(FORMATS)}, .txt")


def check_table_file(path: str | Path) -> None:
    """Check that rows can be written to a file, before they are paid for.

    Raises:
        NbagentError: its format is none of `FORMATS`, nothing writes Parquet here, or its folder
            does not exist.
        MissingExtra: pandas is not installed, which writes Parquet.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise NbagentError(f"{path} is none of {', '.join(FORMATS)}")
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
        NbagentError: the format is none of `FORMATS`.
        MissingExtra: pandas is not installed, which writes Parquet.
        OSError: the file cannot be written.
    """
    path = Path(path)
    records = list(records_of(rows))
    match path.suffix.lower():
        case ".csv":
            columns = dict.fromkeys(name for record in records for name in record)
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(columns))
                writer.writeheader()
                writer.writerows(records)
        case ".jsonl":
            path.write_bytes(json_lines(records))
        case ".parquet":
            pandas_module().DataFrame(records).to_parquet(path)
        case _:
            check_table_file(path)


def json_lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    """Return records as JSON, one in each line."""
    return b"".join(msgspec.json.encode(record, enc_hook=str) + b"\n" for record in records)


def records_of(rows: Sequence[Row]) -> Iterable[dict[str, Any]]:
    """Yield what is known of each row: its item, and how it ended."""
    is_repeated = any(row.repeat > 1 for row in rows)
    agents = {row.agent for row in rows}
    found = agreements(rows) if is_repeated else {}
    for row in rows:
        outcome = record_of(row)
        place: dict[str, Any] = {"agent": row.agent} if len(agents) > 1 else {}
        if is_repeated:
            place |= {"repeat": row.repeat, "agreement": found.get(place_of(row))}
        outcome = {**place, **outcome}
        value = row.item.value
        item = dict(value) if isinstance(value, Mapping) else {"item": value}
        yield {
            **{f"item_{name}" if name in outcome else str(name): item[name] for name in item},
            **outcome,
        }
