"""`compare`: runs in lockstep, aligned by their prompts, texts and tool calls."""

import os
from typing import Any, Protocol, TypeAlias, TypeVar, overload

from nbagent.debug.alignment import aligned, aligned_all
from nbagent.debug.compared_run import (
    ComparableRun,
    ComparedRun,
    compared_run,
    distinct_names,
    masked,
)
from nbagent.debug.comparison_table import ComparisonTable
from nbagent.debug.rows import Comparison, Row
from nbagent.debug.steps import Item, differences, differing

C = TypeVar("C", covariant=True)
_Run: TypeAlias = "ComparableRun | str | os.PathLike[str]"


class ComparableRuns(Protocol[C]):
    """Many runs that can be compared with others."""

    def compare(self, other: Any, /) -> C:
        """Return what differs in the other ones."""
        ...


@overload
def compare(a: _Run, b: _Run) -> Comparison: ...
@overload
def compare(a: _Run, b: _Run, c: _Run, /, *more: _Run) -> ComparisonTable: ...
@overload
def compare(a: ComparableRuns[C], b: Any) -> C: ...
def compare(a: Any, b: Any, *more: Any) -> Any:
    """Compare runs step by step: prompts, texts, tool calls, status, tokens, dollars and time.

    Two results of `nbagent.map` are compared row by row.

        nbagent.compare(run, other)
        nbagent.compare("monday.jsonl", run).same
        nbagent.compare(run, *run.forks)

    Calls are aligned by their tool and how much their arguments agree. Of runs that go on, what
    there is so far is compared. What is masked in one of the runs is masked here.

    Args:
        a: a run, or the path of a recording (`run.save`).
        b: another.
        more: others. More than two are a table with a column for each run.

    Returns:
        A table of what differs, in a cell. `rows` has it as data; `same` is true if nothing but
        tokens, dollars and times differs.

    Raises:
        TypeError: one of them is neither.
        OSError, ValueError: a recording cannot be read.
    """
    of_many = getattr(a, "compare", None)
    if callable(of_many) and not more:  # the runs of `nbagent.map`
        return of_many(b)
    runs = [compared_run(run, number) for number, run in enumerate((a, b, *more), 1)]
    if more:
        return compare_table(runs)
    one, other = runs
    with masked(runs):
        rows = [_total(one, other)]
        rows += [_row(left, right) for left, right in aligned(one.items, other.items)]
    first, second = distinct_names(runs)
    return Comparison((first, second), rows)


def compare_table(runs: list[ComparedRun]) -> ComparisonTable:
    """Return any number of runs as a table with a column for each."""
    with masked(runs):
        return ComparisonTable(distinct_names(runs), runs, aligned_all([run.items for run in runs]))


def _total(a: ComparedRun, b: ComparedRun) -> Row:
    """Return the row of the runs themselves: status, tokens, dollars, time."""
    parts = differing({name: (a.root.get(name), b.root.get(name)) for name in ("status", "model")})
    names = [str(run.root.get("model") or run.root.get("name")) for run in (a, b)]
    return Row(
        kind="run",
        name=" / ".join(dict.fromkeys(names)),
        side="both",
        parts=parts,
        seconds=(a.seconds, b.seconds),
        tokens=(a.tokens, b.tokens),
        cost=(a.cost, b.cost),
    )


def _row(a: Item | None, b: Item | None) -> Row:
    one = a or b
    assert one is not None
    if b is None:
        return Row(
            kind=one.kind, name=one.name, side="a", label=one.label, seconds=(one.seconds, None)
        )
    if a is None:
        return Row(
            kind=one.kind, name=one.name, side="b", label=one.label, seconds=(None, one.seconds)
        )
    return Row(
        kind=one.kind,
        name=one.name,
        side="both",
        label=one.label,
        parts=differences(a, b),
        seconds=(a.seconds, b.seconds),
    )
