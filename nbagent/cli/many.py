"""The command `map`: an agent asked about each row of a file."""

import argparse
import sys
from collections.abc import Mapping
from typing import Any

import nbagent
from nbagent.cli.agents import agent_of
from nbagent.cli.watch import FAILED, INTERRUPTED, OK
from nbagent.errors import NbagentError
from nbagent.many.table_file import (
    check_table_file,
    column_of,
    json_lines,
    read_items,
    records_of,
    write_rows,
)
from nbagent.printable import printable_json, printable_line

NOBODY = "nobody can be asked; --allow lets a tool run without a question"
"""Reason of a question's denial."""


def map_file(args: argparse.Namespace) -> int:
    """Ask an agent about each row of a file, and write the answers.

    After an interrupt those are written that there are.

    Returns:
        The exit code: 1 if a row has no answer.

    Raises:
        NbagentError: an option, the configuration or the file is wrong.
        OSError: a file cannot be read or written.
    """
    if args.out is not None:
        check_table_file(args.out)
    agent = agent_of(args)
    agent.allow.update(args.allow)
    options: dict[str, Any] = {
        "concurrency": "auto" if args.concurrency is None else args.concurrency,
        "repeat": args.repeat,
        "store": args.store,
        "max_cost": args.max_cost,
        "max_total_tokens": args.max_total_tokens,
        "stop_after": args.stop_after,
        "timeout": args.timeout,
    }
    items = _items(args)
    if args.dry:
        print(nbagent.map(agent, items, args.template, dry=True, **options).summary())
        return OK
    runs: nbagent.Runs = nbagent.map(
        agent, items, args.template, answer=lambda question: NOBODY, **options
    )
    code = OK
    try:
        runs.wait()
    except KeyboardInterrupt:  # it has stopped the map
        runs.wait()
        code = INTERRUPTED
    _write(runs, args.out)
    for text in [*runs.notices, runs.summary()]:
        print(printable_line(text), file=sys.stderr)
    has_all = all(row.status == "completed" for row in runs.rows)
    return code if code or has_all else FAILED


def _items(args: argparse.Namespace) -> list[Any]:
    """Return what the agent is asked: records for a template, else the values of a column."""
    items = read_items(args.data)
    if args.column is not None:
        return column_of(items, args.column)
    if args.template is not None or not items or not isinstance(items[0], Mapping):
        return items
    columns = list(items[0])
    if len(columns) != 1:
        raise NbagentError(
            f"{args.data} has several columns: {', '.join(map(repr, columns))}; choose one with "
            "--column, or write --template 'a text with {columns} in it'"
        )
    return column_of(items, columns[0])


def _write(runs: nbagent.Runs, path: str | None) -> None:
    if path is not None:
        write_rows(runs.rows, path)
        return
    sys.stdout.write(printable_json(json_lines(records_of(runs.rows)).decode()))
