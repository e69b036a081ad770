"""`Interval`: a mean with its 95 % confidence interval."""

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

LEVEL = 0.95
"""Share of intervals that hold the true mean."""

RESAMPLES = 1000
"""Samples that are drawn for a bootstrap."""

BLOCKS = 500
"""Sums of blocks that stand for more values than that, so that the time is bounded."""

_SEED = 20
_Z = 1.959964
"""Quantile of the normal distribution for `LEVEL`."""


class Interval(NamedTuple):
    """A mean and the interval that holds the true one with a probability of 95 %.

    Attributes:
        mean: of the values.
        low: end of the interval.
        high: its other end.
        values: how many there are.
    """

    mean: float
    low: float
    high: float
    values: int


def share(successes: float, count: int) -> Interval:
    """Return a share with its Wilson score interval (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927).

    Unlike a bootstrap, it has a width where all values are equal: 10 of 10 are 72 % to 100 %.

    Args:
        successes: number of values that are true.
        count: number of values, at least 1.
    """
    p = successes / count
    scale = 1 + _Z**2 / count
    centre = (p + _Z**2 / (2 * count)) / scale
    half = _Z * math.sqrt(p * (1 - p) / count + _Z**2 / (4 * count**2)) / scale
    return Interval(p, max(0.0, centre - half), min(1.0, centre + half), count)


def bootstrap(values: Sequence[float]) -> Interval:
    """Return a mean with its percentile bootstrap interval; the same for the same values.

    Args:
        values: at least 1, finite. For a paired comparison they are the differences.
    """
    count = len(values)
    mean = math.fsum(values) / count
    if count == 1:
        return Interval(mean, -math.inf, math.inf, count)
    source = random.Random(_SEED)  # noqa: S311 - statistics
    mixed = source.sample([value - mean for value in values], count)
    size = min(BLOCKS, count)
    sums = [sum(mixed[first::size]) for first in range(size)]
    means = sorted(sum(source.choices(sums, k=size)) / count for _ in range(RESAMPLES))
    tail = int(RESAMPLES * (1 - LEVEL) / 2)
    return Interval(mean, mean + means[tail], mean + means[-1 - tail], count)
