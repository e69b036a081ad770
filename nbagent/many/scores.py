"""Means of a map's checks, with their intervals."""

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from nbagent.many.agreement import Place, agreements
from nbagent.many.intervals import Interval, bootstrap, share
from nbagent.many.row import Row


def scores_of(rows: Sequence[Row]) -> dict[str, Interval]:
    """Return the mean of each check over the rows that have a value of it, by the check's name.

    With several agents the agent's name stands before it: `plain check`. The repetitions of an
    item are no independent values: their mean is one. Their agreement is a score too. Texts are
    left out.
    """
    found: dict[str, dict[Any, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for name, value in row.result.scores.items():
            if is_number(value):
                found[f"{row.agent} {name}".strip()][id(row.item)].append(value)
    scores = {name: _interval(list(each.values())) for name, each in found.items()}
    return {**_agreement_scores(agreements(rows)), **scores}


def _agreement_scores(found: Mapping[Place, float]) -> dict[str, Interval]:
    values: dict[str, list[float]] = defaultdict(list)
    for (agent, _), agreement in found.items():
        values[f"{agent} agreement".strip()].append(agreement)
    return {name: bootstrap(each) for name, each in values.items()}


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return True for a finite number, and for True and False."""
    return isinstance(value, int | float) and math.isfinite(value)


def _interval(groups: list[list[float]]) -> Interval:
    """Return the mean of items, each with the values of its repetitions."""
    means = [sum(group) / len(group) for group in groups]
    has_numbers = not all(isinstance(value, bool) for value in itertools.chain(*groups))
    is_repeated = max(map(len, groups)) > 1
    varies = min(means) < max(means)
    if has_numbers or (is_repeated and varies):
        return bootstrap(means)
    return share(sum(means), len(means))
