"""`aligned`: the items of two runs in pairs, those that are alike together."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TypeAlias

from nbagent.debug.steps import Item, similarity

MAX_PAIRS = 250_000
"""Pairs of items that are tried for each other; of longer runs, items are paired in their order."""

_GAP = 0.35
"""Cost of an item without a counterpart, in the similarity of two: less like ones are not
paired.
"""


Pair: TypeAlias = tuple[Item | None, Item | None]
"""An item of each run; None for one without a counterpart."""


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


def aligned_all(runs: Sequence[Sequence[Item]]) -> list[tuple[Item | None, ...]]:
    """Return the items of any number of runs in rows: those that are alike together, None for a run
    that has none.
    """
    rows: list[tuple[Item | None, ...]] = [(item,) for item in runs[0]]
    for number, items in enumerate(runs[1:], 1):
        rows = _with_run(rows, items, (None,) * number)
    return rows


def _with_run(
    rows: Sequence[tuple[Item | None, ...]], items: Sequence[Item], absent: tuple[None, ...]
) -> list[tuple[Item | None, ...]]:
    """Return the rows of some runs with the items of another one; `absent` stands for the runs
    before it in a row that only it has.
    """
    firsts = [next(filter(None, row)) for row in rows]
    before = iter(rows)
    made: list[tuple[Item | None, ...]] = []
    for first, item in aligned(firsts, items):
        earlier: tuple[Item | None, ...] = absent
        if first is not None:
            earlier = next(before)
        made.append((*earlier, item))
    return made


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


def _scores(alike: Sequence[Sequence[float]], columns: int) -> list[list[float]]:
    """Return the score of the best alignment of the first items of both, by their numbers."""
    scores = [[0.0] * (columns + 1) for _ in range(len(alike) + 1)]
    for row in range(1, len(alike) + 1):
        for column in range(1, columns + 1):
            pair = scores[row - 1][column - 1] + alike[row - 1][column - 1]
            scores[row][column] = max(pair, scores[row - 1][column], scores[row][column - 1])
    return scores


def _best(old: Sequence[Item], new: Sequence[Item]) -> list[Pair]:
    """Return the alignment of the greatest similarity (S. Needleman and C. Wunsch, J. Mol. Biol.
    48, 1970).
    """
    alike = [[similarity(one, other) - 2 * _GAP for other in new] for one in old]
    scores = _scores(alike, len(new))
    row, column = len(old), len(new)
    pairs: list[Pair] = []
    while row and column:
        score = scores[row][column]
        if score == scores[row - 1][column - 1] + alike[row - 1][column - 1]:
            row, column = row - 1, column - 1
            pairs.append((old[row], new[column]))
        elif score == scores[row - 1][column]:
            row -= 1
            pairs.append((old[row], None))
        else:
            column -= 1
            pairs.append((None, new[column]))
    only_new: list[Pair] = [(None, item) for item in new[:column]]
    only_old: list[Pair] = [(item, None) for item in old[:row]]
    return only_new + only_old + pairs[::-1]
