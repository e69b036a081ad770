"""`ComparisonTable`: what differs between any number of runs, a column for each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nbagent.debug.compared_run import ComparedRun
from nbagent.debug.comparison_text import LINES, WRITTEN, ComparisonText, text_html
from nbagent.debug.steps import Item, differences
from nbagent.protocol.shared import count
from nbagent.render.differences import difference_html, difference_lines, replaced_texts
from nbagent.render.durations import duration
from nbagent.render.figures import dollars
from nbagent.render.html_values import MUTED, paragraph
from nbagent.render.markup.text import escape_line
from nbagent.run.diff import headline

MAX_ROWS = 500
"""Rows that are shown; `rows` has all."""
_ALIKE_ROWS = 4
"""Rows in which nothing differs, one after the other, from which they are shown as one."""
_SAME = "same"
_ABSENT = "none"

# View and notebooks that filter HTML keep these styles: no grid, no margins.
_LINE = "1px solid rgba(128,128,128,.3)"
_SCROLL = ' style="overflow-x:auto"'
_TABLE = ' style="border-collapse:collapse;width:100%;font-size:.95em;color:inherit"'
_ROW = ' style="background:none"'
_CELL = (
    f' style="text-align:left;vertical-align:top;padding:.35em .8em;border-top:{_LINE};'
    'min-width:11em;max-width:36em;white-space:normal;overflow-wrap:anywhere"'
)
_HEAD = (
    f' style="text-align:left;vertical-align:top;padding:.35em .8em;border-top:{_LINE};'
    'min-width:9em;max-width:18em;font-weight:600;white-space:normal;overflow-wrap:anywhere"'
)


@dataclass(frozen=True, slots=True)
class TableRow:
    """An item of several runs.

    Attributes:
        items: of each run; None for a run that has none.
        parts: what differs from the first run that has the item, by name, for each run; see
            `nbagent.run.diff.difference`.
    """

    items: tuple[Item | None, ...]
    parts: tuple[dict[str, dict[str, Any]], ...]

    @property
    def first(self) -> Item:
        """The item that the others are compared with."""
        return next(item for item in self.items if item is not None)

    @property
    def kind(self) -> str:
        """`prompt`, `text`, `tool`, `error` or `handoff`."""
        return self.first.kind

    @property
    def name(self) -> str:
        """Name of the tool or of the kind."""
        return self.first.name

    @property
    def differs(self) -> bool:
        """True if a run has no such item, or another one."""
        return None in self.items or any(self.parts)


class ComparisonTable(ComparisonText):
    """Any number of runs, compared. In a notebook it shows as a table, in a terminal as text.

    Args:
        names: of the runs.
        runs: their figures: `tokens`, `cost` in dollars, `seconds`.
        rows: their items, in order.
    """

    def __init__(
        self,
        names: Sequence[str],
        runs: Sequence[ComparedRun],
        rows: Sequence[tuple[Item | None, ...]],
    ) -> None:
        self.names = names
        self.runs = runs
        self.rows = [_compared(items) for items in rows]

    @property
    def same(self) -> bool:
        """True if nothing differs but tokens, dollars and times."""
        statuses = {(run.root.get("status"), run.root.get("model")) for run in self.runs}
        return len(statuses) == 1 and not self.differing

    @property
    def differing(self) -> list[TableRow]:
        """The rows in which something differs."""
        return [row for row in self.rows if row.differs]

    def __repr__(self) -> str:
        return f"<ComparisonTable of {len(self.names)} runs: {self._verdict()}>"

    def _repr_html_(self) -> str:
        head = _html_row("run", [f"<strong>{escape_line(name)}</strong>" for name in self.names])
        figures = [
            _html_row(escape_line(name), list(map(escape_line, values)))
            for name, values in self._figures()
        ]
        body = "".join([head, *figures, *map(self._html_rows, self._shown())])
        said = f"{len(self.names)} runs · {self._verdict()}"
        return (
            f'<div role="group" aria-label="Comparison of {len(self.names)} runs">\n'
            f"{paragraph(f'<strong>{escape_line(said)}</strong>')}"
            f"<div{_SCROLL}><table{_TABLE}><tbody>{body}</tbody></table></div>\n"
            f"{''.join(map(paragraph, self._more()))}</div>\n"
        )

    def _verdict(self) -> str:
        found = len(self.differing)
        if self.same:
            return "no difference"
        if not found:
            return "another status or model"
        return f"{found:,} of {len(self.rows):,} rows differ"

    def _figures(self) -> list[tuple[str, list[str]]]:
        """Return the figures that are known of a run: name, and the value of each run."""
        status = [str(run.root.get("status")) for run in self.runs]
        models = [run.root.get("model") for run in self.runs]
        figures = [("status", status)]
        if len(set(models)) > 1:
            figures.append(("model", _known(models, str)))
        figures.append(("tokens", _known([run.tokens for run in self.runs], count)))
        figures.append(("dollars", _known([run.cost for run in self.runs], dollars)))
        figures.append(("time", _known([run.seconds for run in self.runs], duration)))
        return [(name, values) for name, values in figures if any(values)]

    def _shown(self) -> Iterator[list[TableRow]]:
        """Yield the rows to show, one each, and many in a row that are alike together."""
        rows = self.rows[:MAX_ROWS]
        for differs, group in groupby(rows, lambda row: row.differs):
            together = list(group)
            if not differs and len(together) >= _ALIKE_ROWS:
                yield together
                continue
            for row in together:
                yield [row]

    def _html_rows(self, rows: Sequence[TableRow]) -> str:
        if len(rows) > 1:
            return _html_row(_muted(f"{len(rows):,} rows"), [_muted(_SAME)] * len(self.names))
        (row,) = rows
        cells = [_cell(row, at) for at in range(len(self.names))]
        return _html_row(_title(row), cells)

    def _lines(self) -> Iterator[str]:
        yield from (f"{number}: {name}" for number, name in enumerate(self.names, 1))
        yield self._verdict()
        for name, values in self._figures():
            yield f"{name}: {' · '.join(value or '?' for value in values)}"
        for rows in self._shown():
            if len(rows) > 1:
                yield f"= {len(rows):,} rows"
                continue
            yield from _row_lines(rows[0])
        yield from self._more()

    def _more(self) -> list[str]:
        """Return a line that says how many rows are not shown."""
        more = len(self.rows) - MAX_ROWS
        if more <= 0:
            return []
        return [f"… {more:,} more rows"]


def _row_lines(row: TableRow) -> Iterator[str]:
    mark = "="
    if row.differs:
        mark = "≠"
    yield f"{mark} {_label(row)}"
    for number, (item, parts) in enumerate(zip(row.items, row.parts, strict=True), 1):
        if item is None:
            yield f"    {number}: {_ABSENT}"
        for name, diff in parts.items():
            yield f"    {number}: {name}: {headline(diff)}"
            for line in difference_lines(diff)[:LINES]:
                yield f"        {line}"


def _compared(items: tuple[Item | None, ...]) -> TableRow:
    """Return the items of several runs as a row, with what differs."""
    first = next(item for item in items if item is not None)
    parts: list[dict[str, dict[str, Any]]] = []
    for item in items:
        if item is None:
            parts.append({})
        else:
            parts.append(differences(first, item))
    return TableRow(items, tuple(parts))


def _known(values: Sequence[Any], shown: Callable[[Any], str]) -> list[str]:
    """Return values as texts; "" for one that is not known."""
    texts: list[str] = []
    for value in values:
        if value is None:
            texts.append("")
        else:
            texts.append(shown(value))
    return texts


def _label(row: TableRow) -> str:
    if row.kind == "tool":
        return row.first.label
    return f"{row.name}: {row.first.label}"


def _title(row: TableRow) -> str:
    """Return the head of a row; a text that differs stands in the cells."""
    if not row.differs:
        return _muted(escape_line(_label(row)))
    if row.kind in WRITTEN:
        return escape_line(row.name)
    return escape_line(_label(row))


def _html_row(title: str, cells: Sequence[str]) -> str:
    shown = "".join(f"<td{_CELL}>{cell}</td>" for cell in cells)
    return f"<tr{_ROW}><th{_HEAD}>{title}</th>{shown}</tr>\n"


def _cell(row: TableRow, at: int) -> str:
    """Return what one run has in a row, as HTML."""
    item, parts = row.items[at], row.parts[at]
    if item is None:
        return _muted(_ABSENT)
    if row.differs and item is row.first:
        shown = _whole(row)
    elif parts:
        shown = "".join(_part(item, name, diff) for name, diff in parts.items())
    else:
        shown = _muted(_SAME)
    if item.seconds is None:
        return shown
    return shown + _muted(f" {duration(item.seconds)}")


def _whole(row: TableRow) -> str:
    """Return the item that the others are compared with: a text whole, a result in a line."""
    if row.kind in WRITTEN:
        return text_html(row.kind, row.first.parts["text"])
    return escape_line(row.first.summary)


def _part(item: Item, name: str, diff: dict[str, Any]) -> str:
    """Return what differs in a part; of texts that have little in common the other one whole."""
    head = ""
    if item.kind not in WRITTEN:
        head = f"<small{MUTED}>{escape_line(name)}</small>"
    texts = replaced_texts(diff)
    if texts is not None:
        return head + text_html(item.kind, texts[1])
    return head + difference_html(diff, is_prose=item.kind in WRITTEN)


def _muted(text: str) -> str:
    return f"<span{MUTED}>{text}</span>"
