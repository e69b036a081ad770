"""Rows of a map as a table of pandas."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbagent.many.agreement import agreements, place_of
from nbagent.many.row import Row
from nbagent.run.pandas_module import pandas_module

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "answer",
    "status",
    "error",
    "seconds",
    "first_token",
    "steps",
    "tools",
    "tools_failed",
    "input",
    "output",
    "cost",
    "attempts",
)
"""Columns of `Runs.df`, but for those of the checks and of the fields of an answer."""


def frame_of(rows: Sequence[Row]) -> "pd.DataFrame":
    """Return rows as a table under the labels of their items.

    With several agents the columns are grouped by agent; with repetitions the index has them as a
    second level.

    Raises:
        MissingExtra: pandas is not installed.
    """
    pandas = pandas_module()
    by_agent: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_agent[row.agent].append(row)
    tables = {agent: _of_one_agent(pandas, each) for agent, each in by_agent.items()}
    if len(tables) == 1:
        return next(iter(tables.values()))
    joined: pd.DataFrame = pandas.concat(tables, axis="columns")
    return joined


def _of_one_agent(pandas: Any, rows: Sequence[Row]) -> "pd.DataFrame":
    """Return the rows of one agent as a table."""
    records = [record_of(row) for row in rows]
    labels: Any = [row.item.label for row in rows]
    if any(row.repeat > 1 for row in rows):
        found = agreements(rows)
        for row, record in zip(rows, records, strict=True):
            record.setdefault("agreement", found.get(place_of(row), math.nan))
        pairs = [(row.item.label, row.repeat) for row in rows]
        labels = pandas.MultiIndex.from_tuples(pairs, names=[None, "repeat"])
    table: pd.DataFrame = pandas.DataFrame(records, index=labels)
    return table


def record_of(row: Row) -> dict[str, Any]:
    """Return how a row ended as the columns of a table."""
    outcome = row.result
    record = {column: getattr(outcome, column) for column in COLUMNS}
    if isinstance(outcome.fields, dict):
        record |= outcome.fields
    for name in ("seconds", "first_token", "cost"):
        if record[name] is None:
            record[name] = math.nan
    return record | outcome.scores
