"""`Comparison`: what differs between two runs, row by row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from nbagent.debug.comparison_text import LINES, WRITTEN, ComparisonText, text_html
from nbagent.protocol.shared import count
from nbagent.render.differences import difference_html, difference_lines, replaced_texts
from nbagent.render.durations import duration
from nbagent.render.figures import dollars
from nbagent.render.html_values import MUTED, caption, panel, paragraph
from nbagent.render.markup.text import escape_line
from nbagent.run.diff import headline

Side = Literal["both", "a", "b"]
_MARKS = {"a": "−", "b": "+"}
_LINE = "1px solid rgba(128,128,128,.3)"
_CARD = f' style="margin:.5em 0;border:{_LINE};border-radius:8px;overflow:hidden"'
# The grounds of what only one of them has, in `nbagent.render.differences`.
_FIRST = ' style="padding:0 .3em;border-radius:3px;background:rgba(214,69,69,.18)"'
_SECOND = ' style="padding:0 .3em;border-radius:3px;background:rgba(46,150,80,.2)"'
_HEAD = f' style="padding:.4em .9em;border-bottom:{_LINE};background:rgba(128,128,128,.07)"'
_BODY = ' style="padding:.3em .9em .5em"'
_FOOT = f' style="padding:.3em .9em;border-top:{_LINE};opacity:.75"'
_COLUMNS = (
    ' style="display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:.3em '
    '1.2em;margin:.25em 0"'
)
_COLUMN = ' style="min-width:0;max-height:30em;overflow:auto"'


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """An item of both runs, or of one of them.

    Attributes:
        kind: `run` for the runs as wholes, else `prompt`, `text`, `tool`, `error` or `handoff`.
        name: of the tool or of the kind.
        side: `both`, or the run that has it.
        label: in one line.
        parts: what differs, by name: `arguments`, `result`, `error`, `text`, `status`, `model`; see
            `nbagent.run.diff.difference`.
        seconds: that each took; None if that is not known.
        tokens: of the runs, read and written; None if they are not known.
        cost: of the runs, in dollars; None if it is not known.
    """

    kind: str
    name: str
    side: Side
    label: str = ""
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: tuple[float | None, float | None] = (None, None)
    tokens: tuple[int | None, int | None] = (None, None)
    cost: tuple[float | None, float | None] = (None, None)

    @property
    def differs(self) -> list[str]:
        """Names of what differs; `["only in a"]` for an item that one run has."""
        if self.side == "both":
            return list(self.parts)
        return [f"only in {self.side}"]


class Comparison(ComparisonText):
    """Differences of two runs. In a notebook it shows as a table, in a terminal as text.

    Args:
        names: of the runs.
        rows: the runs as wholes, then their items in order.
    """

    def __init__(self, names: tuple[str, str], rows: list[Row]) -> None:
        self.names = names
        self.rows = rows

    @property
    def same(self) -> bool:
        """True if nothing differs but tokens, dollars and times."""
        return not any(row.differs for row in self.rows)

    @property
    def differing(self) -> list[Row]:
        """The rows in which something differs."""
        return [row for row in self.rows if row.differs]

    def __repr__(self) -> str:
        return f"<Comparison of {self.names[0]!r} and {self.names[1]!r}: {self._verdict()}>"

    def _repr_html_(self) -> str:
        a, b = map(escape_line, self.names)
        head = (
            f"<strong{_FIRST}>{a}</strong> → <strong{_SECOND}>{b}</strong> · "
            f"{escape_line(self._verdict())}"
        )
        body = "".join(_row_html(row, self.names) for row in self.rows)
        figures = " · ".join(map(escape_line, _figures(self.rows)))
        foot = ""
        if figures:
            foot = f"<div{_FOOT}><small>{figures}</small></div>\n"
        inner = f"<div{_HEAD}>{head}</div>\n<div{_BODY}>{body}</div>\n{foot}"
        return f'<div role="group" aria-label="Comparison of two runs"{_CARD}>\n{inner}</div>\n'

    def _verdict(self) -> str:
        found = len(self.differing)
        if not found:
            return "no difference"
        return f"{found} of {len(self.rows)} rows differ"

    def _lines(self) -> Iterator[str]:
        yield f"a: {self.names[0]}"
        yield f"b: {self.names[1]}"
        yield self._verdict()
        for row in self.rows:
            if row.kind == "run" and not row.parts:
                continue
            yield " · ".join(filter(None, (f"{_mark(row)} {_label(row)}", _times(row))))
            for name, diff in row.parts.items():
                yield f"    {_headline(row, name, diff)}"
                lines = difference_lines(diff)
                yield from (f"      {line}" for line in lines[:LINES])
                if len(lines) > LINES:
                    yield f"      … {len(lines) - LINES} more lines"
        figures = _figures(self.rows)
        if figures:
            yield " · ".join(figures)


def _mark(row: Row) -> str:
    if row.side in _MARKS:
        return _MARKS[row.side]
    if row.parts:
        return "≠"
    return "="


def _label(row: Row) -> str:
    match row.kind:
        case "run":
            return row.name
        case "tool":
            return row.label
    return f"{row.name}: {row.label}"


def _headline(row: Row, name: str, diff: dict[str, Any]) -> str:
    """Return a difference in one line, with the name of its part; that of a text is the row's."""
    if name == row.name:
        return headline(diff)
    return f"{name}: {headline(diff)}"


def _times(row: Row) -> str:
    if row.kind != "tool":
        return ""
    known = [duration(seconds) for seconds in row.seconds if seconds is not None]
    return " → ".join(dict.fromkeys(known))


def _figures(rows: Sequence[Row]) -> list[str]:
    """Return the figures of both runs that are known: `1,284 → 1,310 tokens`, `$0.0021 → $0.0024`,
    `3.2s → 4.1s`.
    """
    if not rows or rows[0].kind != "run":
        return []
    total = rows[0]
    figures = [_figure(total.tokens, count), _figure(total.cost, dollars)]
    if figures[0]:
        figures[0] += " tokens"
    return list(filter(None, [*figures, _figure(total.seconds, duration)]))


def _figure(values: Sequence[float | None], shown: Callable[[float], str]) -> str:
    """Return a figure of both runs; "" if it is known of neither."""
    if values[0] is None and values[1] is None:
        return ""
    return " → ".join(_known(value, shown) for value in values)


def _known(value: float | None, shown: Callable[[float], str]) -> str:
    if value is None:
        return "?"
    return shown(value)


def _row_html(row: Row, names: tuple[str, str]) -> str:
    if row.kind == "run" and not row.parts:
        return ""
    note = ", ".join(_headline(row, name, diff) for name, diff in row.parts.items())
    if row.side != "both":
        note = f"only in {names[row.side == 'b']}"
    label = _label(row)
    if row.parts and row.kind in WRITTEN:  # a text that differs is shown below
        label = row.name
    line = f"<strong>{_mark(row)}</strong> {escape_line(label)}"
    for part in filter(None, (note, _times(row))):
        line += f" · {escape_line(part)}"
    if not row.differs:
        line = f"<span{MUTED}>{line}</span>"
    body = ""
    for name, diff in row.parts.items():
        if name != row.name:
            body += caption(escape_line(name))
        body += _part_html(row, diff, names)
    return paragraph(line) + panel(body)


def _part_html(row: Row, diff: dict[str, Any], names: tuple[str, str]) -> str:
    """Return a difference as HTML; of texts that have little in common both, next to each other."""
    texts = replaced_texts(diff)
    if texts is None:
        return difference_html(diff, is_prose=row.kind in WRITTEN)
    columns = [
        f"<div{_COLUMN}>{caption(escape_line(name))}{text_html(row.kind, text)}</div>"
        for name, text in zip(names, texts, strict=True)
    ]
    return f"<div{_COLUMNS}>{''.join(columns)}</div>\n"
