"""`compare`: two runs in lockstep, aligned by their prompts, texts and tool calls."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar, overload

from nbagent.debug.rows import Comparison, Row
from nbagent.debug.steps import Item, items_of, similarity
from nbagent.events import ToolResult
from nbagent.gate.masking import mask_json
from nbagent.gate.secrets import known
from nbagent.run.diff import difference
from nbagent.sources import recording
from nbagent.transcript import Transcript

MAX_PAIRS = 250_000
"""Pairs of items that are tried for each other; of longer runs, items are paired in their order."""

_GAP = 0.35
"""Cost of an item without a counterpart, in the similarity of two: less like ones are not
paired.
"""


Pair: TypeAlias = tuple[Item | None, Item | None]
"""An item of each run; None for one without a counterpart."""

C = TypeVar("C", covariant=True)


class ComparableRun(Protocol):
    """The part of a run that is compared."""

    @property
    def name(self) -> str:
        """Name of the run."""
        ...

    @property
    def tools(self) -> Sequence[Any]:
        """The tool calls, with their live results."""
        ...

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the transcript as plain JSON."""
        ...


class ComparableRuns(Protocol[C]):
    """Many runs that can be compared with others."""

    def compare(self, other: Any, /) -> C:
        """Return what differs in the other ones."""
        ...


@overload
def compare(
    a: "ComparableRun | str | os.PathLike[str]", b: "ComparableRun | str | os.PathLike[str]"
) -> Comparison: ...
@overload
def compare(a: ComparableRuns[C], b: Any) -> C: ...
def compare(a: Any, b: Any) -> Any:
    """Compare two runs step by step: prompts, texts, tool calls, status, tokens and time.

    Two results of `nbagent.map` are compared row by row.

        nbagent.compare(run, other)
        nbagent.compare("monday.jsonl", run).same

    Calls are aligned by their tool and how much their arguments agree. Of runs that go on, what
    there is so far is compared.

    Args:
        a: a run, or the path of a recording (`run.save`).
        b: another.

    Returns:
        A table of what differs, in a cell. `rows` has it as data; `same` is true if nothing but
        tokens and times differs.

    Raises:
        TypeError: one of them is neither.
        OSError, ValueError: a recording cannot be read.
    """
    of_many = getattr(a, "compare", None)
    if callable(of_many):  # the runs of `nbagent.map`
        return of_many(b)
    sides = [_side(each, name) for name, each in (("a", a), ("b", b))]
    names = _distinct(sides[0][0], sides[1][0], [(a, sides[0][1]), (b, sides[1][1])])
    rows = [_total(sides[0][1], sides[1][1])]
    rows += [_row(left, right) for left, right in aligned(sides[0][2], sides[1][2])]
    return Comparison(names, rows)


def aligned(left: Sequence[Item], right: Sequence[Item]) -> list[Pair]:
    """Return the items of two runs in pairs, in order: those that are alike together, others
    alone.
    """
    first = last = 0
    shorter = min(len(left), len(right))
    while first < shorter and left[first].key == right[first].key:
        first += 1
    while last < shorter - first and left[-1 - last].key == right[-1 - last].key:
        last += 1
    pairs: list[Pair] = list(zip(left[:first], right[:first], strict=True))
    old, new = left[first : len(left) - last], right[first : len(right) - last]
    if len(old) * len(new) <= MAX_PAIRS:
        pairs += _best(old, new)
    else:
        pairs += _in_order(old, new)
    ends = zip(left[len(left) - last :], right[len(right) - last :], strict=True)
    return [*pairs, *ends]


def _in_order(old: Sequence[Item], new: Sequence[Item]) -> Iterator[Pair]:
    """Yield the first with the first, the second with the second; apart where they are nothing
    alike.
    """
    for one, other in zip_longest(old, new):
        if one is None or other is None or similarity(one, other) > 0:
            yield one, other
        else:
            yield one, None
            yield None, other


def _best(old: Sequence[Item], new: Sequence[Item]) -> list[Pair]:
    """Return the alignment of the greatest similarity (S. Needleman and C. Wunsch, J. Mol. Biol.
    48, 1970).
    """
    scores = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    alike = [[similarity(one, other) - 2 * _GAP for other in new] for one in old]
    for row in range(1, len(old) + 1):
        for column in range(1, len(new) + 1):
            pair = scores[row - 1][column - 1] + alike[row - 1][column - 1]
            scores[row][column] = max(pair, scores[row - 1][column], scores[row][column - 1])
    row, column = len(old), len(new)
    pairs: list[Pair] = []
    while row or column:
        together = None
        if row and column:
            together = scores[row - 1][column - 1] + alike[row - 1][column - 1]
        if scores[row][column] == together:
            row, column = row - 1, column - 1
            pairs.append((old[row], new[column]))
        elif row and scores[row][column] == scores[row - 1][column]:
            row -= 1
            pairs.append((old[row], None))
        else:
            column -= 1
            pairs.append((None, new[column]))
    return pairs[::-1]


def _distinct(a: str, b: str, sides: Sequence[tuple[Any, Mapping[str, Any]]]) -> tuple[str, str]:
    """Return the names of two runs; equal ones each with what tells it apart: recording, model,
    start or place.
    """
    if a != b:
        return a, b
    marks: list[list[Any]] = [
        [Path(run).name if isinstance(run, str | os.PathLike) else None for run, _ in sides],
        [root.get("model") for _, root in sides],
        [_clock(root.get("started")) for _, root in sides],
        ["first", "second"],
    ]
    first, second = next(pair for pair in marks if None not in pair and pair[0] != pair[1])
    return f"{a} ({first})", f"{b} ({second})"


def _clock(started: Any) -> str | None:
    """Return the time of day at which a run started."""
    if started is None:
        return None
    return datetime.fromtimestamp(float(started), UTC).astimezone().strftime("%H:%M:%S")


def _side(run: Any, name: str) -> tuple[str, Mapping[str, Any], list[Item]]:
    """Return a run's name, its root block and its items."""
    if isinstance(run, str | os.PathLike):
        transcript = Transcript(Path(run).name)
        values: dict[str, Any] = {}
        for event in recording.load(os.fspath(run)):
            transcript.feed(event)
            if isinstance(event, ToolResult) and not event.preliminary:
                values[transcript.block_id(event.id, "tool")] = event.content
        blocks = mask_json(transcript.snapshot(), known().mask)
        return str(blocks[0].get("name")), blocks[0], items_of(blocks, values)
    if not callable(getattr(run, "snapshot", None)) or not hasattr(run, "tools"):
        raise TypeError(
            f"compare takes two runs, or paths of recordings; {name} is {type(run).__name__}: "
            f"{run!r:.100}"
        )
    blocks = run.snapshot()
    results = {call.id: call.result for call in run.tools if call.error is None}
    return str(run.name), blocks[0], items_of(blocks, results)


def _total(a: Mapping[str, Any], b: Mapping[str, Any]) -> Row:
    """Return the row of the runs themselves: status, tokens, time."""
    parts = {name: difference(a.get(name), b.get(name)) for name in ("status", "model")}
    names = [str(root.get("model") or root.get("name")) for root in (a, b)]
    return Row(
        kind="run",
        name=" / ".join(dict.fromkeys(names)),
        side="both",
        parts=_differing(parts),
        seconds=(_seconds(a), _seconds(b)),
        tokens=(_tokens(a), _tokens(b)),
    )


def _differing(parts: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: diff for name, diff in parts.items() if diff["kind"] != "same"}


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
    parts = {name: difference(a.parts[name], b.parts[name]) for name in a.parts if name in b.parts}
    for name in sorted(a.parts.keys() ^ b.parts.keys()):
        parts[name] = {"kind": "value", "before": _brief(a, name), "after": _brief(b, name)}
    return Row(
        kind=one.kind,
        name=one.name,
        side="both",
        label=one.label,
        parts=_differing(parts),
        seconds=(a.seconds, b.seconds),
    )


def _brief(item: Item, name: str) -> str:
    if name not in item.parts:
        return "none"
    return str(item.parts[name])[:200]


def _seconds(run: Mapping[str, Any]) -> float | None:
    begun, ended = run.get("started"), run.get("ended")
    if begun is None or ended is None:
        return None
    return float(ended - begun)


def _tokens(run: Mapping[str, Any]) -> int | None:
    usage = run.get("usage") or {}
    found = [usage[name] for name in ("input", "output") if isinstance(usage.get(name), int)]
    return sum(found) if found else None
