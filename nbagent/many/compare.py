"""`RunsComparison`: what differs between two maps, row by row."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from nbagent.errors import NbagentError
from nbagent.many.intervals import Interval, bootstrap, difference_of_shares
from nbagent.many.row import Row
from nbagent.many.row_text import answer_line, short
from nbagent.many.scores import is_number
from nbagent.render.markup.table import html_table
from nbagent.render.markup.text import escape_line
from nbagent.run.pandas_module import pandas_module

if TYPE_CHECKING:
    import pandas as pd

    from nbagent.debug.rows import Comparison
    from nbagent.many.runs import Runs

Change: TypeAlias = Literal["worse", "only in a", "changed", "only in b", "better"]
ORDER: tuple[Change, ...] = ("worse", "only in a", "changed", "only in b", "better")
"""Kinds of rows in the order in which they are shown."""

SUCCESS = "completed"
"""Measure of maps without a check in common: whether a row was completed."""

SHOWN_ROWS = 50
"""Rows of the table in a cell."""

ANSWER_CHARS = 120
"""Characters of an answer in the table."""


class ComparedRow(NamedTuple):
    """A row that differs.

    Attributes:
        change: how.
        a: the row of the first map; None if it has none.
        b: the row of the second one.
        before: value of the measure in the first map; None if unknown.
        after: the same in the second one.
    """

    change: Change
    a: Row | None
    b: Row | None
    before: float | None
    after: float | None

    @property
    def row(self) -> Row:
        """The row, of either map."""
        row = self.a or self.b
        assert row is not None
        return row


class RunsComparison(Sequence[ComparedRow]):
    """The differences between two maps: rows that became worse first.

    Rows are paired by agent, label and repetition; of rows that share all these, the first with the
    first. A row without an answer counts as the worse value where the measure is True or False.

    Args:
        a: a map.
        b: another one.
        by: name of the check that says which row is better. By default `check`, else the first that
            both have, else whether the row was completed.
        lower_is_better: True if the row with the lower value is better, False if it is the one with
            the greater value.

    Attributes:
        by: the measure.
        rows: the rows that differ.
        interval: mean difference of the pairs, b - a, with its paired interval; None without pairs.
            The repetitions of an item count as one pair.

    Raises:
        NbagentError: a map has no such check, or there is none whose lower value could be better.
    """

    def __init__(
        self, a: "Runs", b: "Runs", by: str | None = None, *, lower_is_better: bool = False
    ) -> None:
        self._a = a
        self._b = b
        self.by = _measure(a.rows, b.rows, by)
        if lower_is_better and self.by == SUCCESS:
            raise NbagentError("lower_is_better=True needs a check that both maps have")
        self._lower_is_better = lower_is_better
        self._is_share = self.by == SUCCESS or _is_share([*a.rows, *b.rows], self.by)
        pairs = [self._compared(*pair) for pair in _pairs(a.rows, b.rows)]
        self.interval = _interval([pair for pair, _ in pairs], self._is_share)
        differing = [pair for pair, differs in pairs if differs]
        self.rows = sorted(differing, key=lambda pair: ORDER.index(pair.change))
        self.counts = Counter(pair.change for pair in self.rows)

    def _compared(self, a: Row | None, b: Row | None) -> tuple[ComparedRow, bool]:
        """Return a pair, and whether its sides differ."""
        before, after = self._value(a), self._value(b)
        if a is None:
            return ComparedRow("only in b", a, b, before, after), True
        if b is None:
            return ComparedRow("only in a", a, b, before, after), True
        change = self._change(a, b, before, after)
        return ComparedRow(change, a, b, before, after), change != "changed" or _differ(a, b)

    def _value(self, row: Row | None) -> float | None:
        if row is None or row.outcome is None:
            return None
        if self.by == SUCCESS:
            return float(row.status == SUCCESS)
        if self._is_share and row.has_failed:
            return float(self._lower_is_better)
        value = row.outcome.scores.get(self.by)
        return float(value) if is_number(value) else None

    def _change(self, a: Row, b: Row, before: float | None, after: float | None) -> Change:
        """Return how a row changed; `changed` also where the measure is the same."""
        if a.has_failed != b.has_failed:
            return "worse" if b.has_failed else "better"
        if before is None or after is None or before == after:
            return "changed"
        return "better" if (after < before) == self._lower_is_better else "worse"

    def diff(self, number: int) -> "Comparison":
        """Return the two runs of a row of this table, compared step by step.

        Args:
            number: position in this table.

        Raises:
            NbagentError: the row is in one map only, or has no run.
        """
        pair = self.rows[number]
        if pair.a is None or pair.b is None:
            raise NbagentError(f"row {pair.row.name} is {pair.change}: it has no counterpart")
        from nbagent.debug.compare import compare  # reads Markdown, which no map needs: 0.1 s

        return compare(self._a.run_of(pair.a), self._b.run_of(pair.b))

    def df(self) -> "pd.DataFrame":
        """Return the rows that differ as a table under their labels.

        Raises:
            MissingExtra: pandas is not installed.
        """
        table: pd.DataFrame = pandas_module().DataFrame(
            [_record(pair) for pair in self.rows],
            index=[pair.row.item.label for pair in self.rows],
        )
        return table

    def summary(self) -> str:
        """Return the comparison in one line: `check: -0.02 (-0.05 to 0.01), b - a, 200 pairs`."""
        parts = [f"{self.counts[kind]:,} {kind}" for kind in ORDER if self.counts[kind]]
        if self.interval is not None:
            difference = f"{self.by}: {self.interval.text('+')}"
            parts.insert(0, f"{difference}, b - a of {self.interval.values:,} pairs")
        if not self.rows:
            parts.append("no row differs")
        return " · ".join(parts)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<RunsComparison {self.summary()}>"

    def _repr_html_(self) -> str:
        heads = ["", "row", "change", f"{self.by} a", f"{self.by} b", "answer a", "answer b"]
        cells = [_cells(number, pair) for number, pair in enumerate(self.rows[:SHOWN_ROWS])]
        more = len(self.rows) - len(cells)
        rest = f"<p>… and {more:,} more rows</p>" if more > 0 else ""
        head = f"<p><strong>{escape_line(self.summary())}</strong></p>"
        return f"{head}{html_table(heads, cells)}{rest}"


def _pairs(a: Sequence[Row], b: Sequence[Row]) -> list[tuple[Row | None, Row | None]]:
    """Return the rows of two maps that are about the same, in the order of the first one."""
    others = _by_place(b)
    pairs = [(row, others.pop(place, None)) for place, row in _by_place(a).items()]
    return [*pairs, *((None, row) for row in others.values())]


def _by_place(rows: Sequence[Row]) -> dict[Any, Row]:
    seen: Counter[Any] = Counter()
    found: dict[Any, Row] = {}
    for row in rows:
        place = row.agent, row.item.label, row.repeat
        found[*place, seen[place]] = row
        seen[place] += 1
    return found


def _measure(a: Sequence[Row], b: Sequence[Row], by: str | None) -> str:
    shared = [name for name in _score_names(a) if name in _score_names(b)]
    measures = [*shared, SUCCESS]
    if by is None:
        return "check" if "check" in shared else measures[0]
    if by not in measures:
        raise NbagentError(f"both maps must have the check {by!r}; both have {shared or 'none'}")
    return by


def _score_names(rows: Sequence[Row]) -> dict[str, None]:
    """Return the names of the checks that give numbers, in their order."""
    names: dict[str, None] = {}
    for row in rows:
        scores = row.result.scores
        names |= dict.fromkeys(name for name, value in scores.items() if is_number(value))
    return names


def _is_share(rows: Sequence[Row], name: str) -> bool:
    values = [row.result.scores.get(name) for row in rows]
    return all(isinstance(value, bool | None) for value in values)


def _interval(pairs: Sequence[ComparedRow], is_share: bool) -> Interval | None:
    """Return the mean difference of the pairs that have both values; None without any.

    Args:
        pairs: rows of both maps.
        is_share: whether the values are 0 and 1.
    """
    by_item: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for pair in pairs:
        if pair.before is not None and pair.after is not None:
            by_item[id(pair.row.item)].append((pair.before, pair.after))
    if not by_item:
        return None
    if is_share and all(len(each) == 1 for each in by_item.values()):
        return difference_of_shares([each[0] for each in by_item.values()])
    return bootstrap([_mean_difference(each) for each in by_item.values()])


def _mean_difference(pairs: Sequence[tuple[float, float]]) -> float:
    return sum(after - before for before, after in pairs) / len(pairs)


def _differ(a: Row, b: Row) -> bool:
    return _COMPARED(a.result) != _COMPARED(b.result)


_COMPARED = attrgetter("status", "answer", "fields", "error", "scores")


def _record(pair: ComparedRow) -> dict[str, Any]:
    record: dict[str, Any] = {
        "agent": pair.row.agent,
        "repeat": pair.row.repeat,
        "change": pair.change,
        "before": pair.before,
        "after": pair.after,
    }
    for side, row in (("a", pair.a), ("b", pair.b)):
        record[f"status_{side}"] = row.status if row else None
        record[f"answer_{side}"] = row.result.answer if row else None
    return record


def _cells(number: int, pair: ComparedRow) -> list[str]:
    values = ["" if value is None else f"{value:.3g}" for value in (pair.before, pair.after)]
    return [str(number), pair.row.name, pair.change, *values, _said(pair.a), _said(pair.b)]


def _said(row: Row | None) -> str:
    if row is None:
        return ""
    return short(answer_line(row.result), ANSWER_CHARS)
