"""The state of a map in one line, and as a small table."""

from collections.abc import Sequence

from nbagent.many.rate import RowGate
from nbagent.many.row import Row
from nbagent.many.totals import Totals
from nbagent.printable import printable_line
from nbagent.render.durations import duration
from nbagent.render.markup.table import html_table
from nbagent.render.markup.text import escape_line

SHOWN_ROWS = 10
"""Rows of the table: those that failed first, then the first ones."""

LINE_CHARS = 120
"""Characters of an item or an answer in the table."""


def summary_line(
    rows: Sequence[Row], totals: Totals, gate: RowGate, stop_reason: str | None = None
) -> str:
    """Return the state of a map: `124 / 200 · 3 failed · waits 12s (429) · $0.41 · about 3m left`.

    Args:
        rows: all of them.
        totals: over those that have ended.
        gate: lets rows begin.
        stop_reason: why no more rows begin; None while they do.
    """
    parts = [f"{totals.ended:,} / {len(rows):,}"]
    if totals.restored:
        parts.append(f"{totals.restored:,} from the store")
    if totals.failed:
        parts.append(f"{totals.failed:,} failed")
    if gate.active:
        parts.append(f"{gate.active:,} under way")
    if gate.active and gate.seconds_to_wait > 0:
        parts.append(f"the service refused: waits {duration(gate.seconds_to_wait)}")
    if totals.tokens:
        parts.append(f"{totals.tokens:,} tokens")
    if totals.cost is not None:
        parts.append(f"${totals.cost:.2f}")
    left = _seconds_left(rows, totals, gate)
    if left is not None:
        parts.append(f"about {duration(left)} left")
    if stop_reason is not None:
        parts.append(stop_reason)
    return " · ".join(parts)


def _seconds_left(rows: Sequence[Row], totals: Totals, gate: RowGate) -> float | None:
    """Return the seconds that the rest may take; None if nothing is known."""
    left = len(rows) - totals.ended
    if not left or not totals.ran or not gate.active:
        return None
    return left * (totals.seconds / totals.ran) / max(1, min(gate.limit, left))


def summary_html(rows: Sequence[Row], line: str, notices: Sequence[str]) -> str:
    """Return the state of a map as static HTML: its line, what went wrong, and some rows.

    Args:
        rows: all of them.
        line: of `summary_line`.
        notices: what went wrong beside the rows themselves.
    """
    failed = [row for row in rows if row.has_failed][:SHOWN_ROWS]
    others = [row for row in rows if not row.has_failed][: SHOWN_ROWS - len(failed)]
    cells = [_cells(row) for row in [*failed, *others]]
    heads = ["", "item", "answer", "status", "seconds"]
    more = len(rows) - len(cells)
    rest = f"<p>… and {more:,} more rows</p>" if more > 0 else ""
    said = "".join(f"<p>{escape_line(notice)}</p>" for notice in notices)
    return f"<p><strong>{escape_line(line)}</strong></p>{said}{html_table(heads, cells)}{rest}"


def _cells(row: Row) -> list[str]:
    outcome = row.outcome
    if outcome is None:
        so_far = "" if row.run is None else row.run.answer
        return [row.name, _short(row.item.prompt), _short(so_far), row.status, ""]
    answer = outcome.answer or outcome.error or ""
    took = "" if outcome.seconds is None else duration(outcome.seconds)
    return [row.name, _short(row.item.prompt), _short(answer), outcome.status, took]


def _short(value: object) -> str:
    text = printable_line(" ".join(str(value)[: 4 * LINE_CHARS].split()))
    return text if len(text) <= LINE_CHARS else f"{text[: LINE_CHARS - 1]}…"
