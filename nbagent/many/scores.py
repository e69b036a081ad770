"""Means of a map's checks, with their intervals."""

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
    others: set[str] = set()
    for row in rows:
        scores = {} if row.outcome is None else row.outcome.scores
        for name, value in scores.items():
            place = f"{row.agent} {name}".strip()
            if not is_number(value):
                continue
            if not isinstance(value, bool):
                others.add(place)
            found[place][id(row.item)].append(value)
    scores = {name: _interval(list(each.values()), name in others) for name, each in found.items()}
    return {**_agreement_scores(agreements(rows)), **scores}


def _agreement_scores(found: Mapping[Place, float]) -> dict[str, Interval]:
    values: dict[str, list[float]] = defaultdict(list)
    for (agent, _), agreement in found.items():
        values[f"{agent} agreement".strip()].append(agreement)
    return {name: bootstrap(each) for name, each in values.items()}


def is_number(value: Any) -> TypeGuard[int | float]:
    """Return True for a finite number, and for True and False."""
    return isinstance(value, int | float) and math.isfinite(value)


def _interval(groups: list[list[float]], has_numbers: bool) -> Interval:
    """Return the mean of items, each with the values of its repetitions."""
    means = [sum(group) / len(group) for group in groups]
    is_repeated = any(len(group) > 1 for group in groups)
    varies = min(means) < max(means)
    if has_numbers or (is_repeated and varies):
        return bootstrap(means)
    return share(sum(means), len(means))
