"""The state of a map in one line, and as a small table."""

import itertools
from collections.abc import Callable, Sequence

from nbagent.blocks.rows import HEADS
from nbagent.many.rate import RowGate
from nbagent.many.row import Row
from nbagent.many.row_text import answer_line, short, state_text
from nbagent.many.totals import Budget, Totals
from nbagent.render.durations import duration
from nbagent.render.markup.plain import plain_line
from nbagent.render.markup.table import html_table
from nbagent.render.markup.text import escape_line

SHOWN_ROWS = 25
"""Rows of the table at most: so many of those that failed, so many of those of which only calls of
tools failed, and so many of the first others.
"""

LINE_CHARS = 120
"""Characters of an item or an answer in the table."""


def summary_line(
    rows: Sequence[Row],
    totals: Totals,
    gate: RowGate,
    budget: Budget,
    asking: int = 0,
    stop_reason: str | None = None,
) -> str:
    """Return the state of a map: `124 / 200 · 3 failed · 2 wait for you · waits 12s (429) · $0.41
    of $2 · about 3m left`.

    Args:
        rows: all of them.
        totals: over those that have ended.
        gate: lets rows begin.
        budget: of the map.
        asking: number of rows that wait for the reader.
        stop_reason: why no more rows begin; None while they do.
    """
    parts = [f"{totals.ended:,} / {len(rows):,}"]
    counted = [
        (totals.restored, "from the store"),
        (totals.failed, "failed"),
        (totals.tools_failed, "with failed tools"),
        (asking, "waits for you" if asking == 1 else "wait for you"),
        (gate.active, "under way"),
    ]
    parts += [f"{count:,} {what}" for count, what in counted if count]
    if gate.active and gate.seconds_to_wait > 0:
        parts.append(f"waits {duration(gate.seconds_to_wait)} (429)")
    if gate.is_paused and stop_reason is None:
        parts.append("paused")
    if totals.tokens:
        parts.append(f"{totals.tokens:,} tokens")
    if totals.cost is not None:
        parts.append(_dollars(totals.cost, budget.max_cost))
    left = _seconds_left(rows, totals, gate)
    if left is not None:
        parts.append(f"about {duration(left)} left")
    if stop_reason is not None:
        parts.append(stop_reason)
    return " · ".join(parts)


def _dollars(spent: float, limit: float | None) -> str:
    if limit is None:
        return f"${spent:.2f}"
    return f"${spent:.2f} of ${limit:g}"


def _seconds_left(rows: Sequence[Row], totals: Totals, gate: RowGate) -> float | None:
    """Return the seconds that the rest may take; None if nothing is known."""
    left = len(rows) - totals.ended
    if not left or not totals.ran or not gate.active:
        return None
    return left * (totals.seconds / totals.ran) / max(1, min(gate.limit, left))


def summary_html(
    rows: Sequence[Row], line: str, notices: Sequence[str], mask: Callable[[str], str]
) -> str:
    """Return the state of a map as static HTML: its line, what went wrong, and some rows.

    Args:
        rows: all of them.
        line: of `summary_line`.
        notices: what went wrong beside the rows themselves.
        mask: masks a text before it is shortened.
    """
    cells = cells_of(rows, mask)
    more = len(rows) - len(cells)
    rest = f"<p>… and {more:,} more rows</p>" if more > 0 else ""
    said = "".join(f"<p>{escape_line(notice)}</p>" for notice in notices)
    return f"<p><strong>{escape_line(line)}</strong></p>{said}{html_table(HEADS, cells)}{rest}"


def cells_of(rows: Sequence[Row], mask: Callable[[str], str]) -> list[list[str]]:
    """Return the texts of rows that failed, in whole or in part, and of the first others, in their
    order.

    Args:
        rows: all of them.
        mask: masks a text before it is shortened.
    """
    kinds: list[list[Row]] = [[], [], []]
    for row in rows:
        kind = kinds[_kind(row)]
        if len(kind) < SHOWN_ROWS:
            kind.append(row)
    shown = sorted(itertools.chain(*kinds), key=lambda row: row.number)
    return [_cells(row, mask) for row in shown]


def _kind(row: Row) -> int:
    """Return 0 for a row that failed, 1 for one of which only tools failed, 2 for any other."""
    if row.has_failed:
        return 0
    if row.result.tools_failed:
        return 1
    return 2


def _cells(row: Row, mask: Callable[[str], str]) -> list[str]:
    said, took = answer_line(row.result), ""
    if row.outcome is None and row.run is not None:
        said = plain_line(row.run.answer[: 4 * LINE_CHARS])
    if row.result.seconds is not None:
        took = duration(row.result.seconds)
    whole = (str(text)[: 4 * LINE_CHARS] for text in (row.item.prompt, said))
    texts = [short(mask(text), LINE_CHARS) for text in whole]
    return [row.name, *texts, state_text(row), took]
