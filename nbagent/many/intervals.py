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
        low: end of the interval; None if the values do not tell it: there is one, or all are equal.
        high: its other end; None in the same cases.
        values: how many there are.
    """

    mean: float
    low: float | None
    high: float | None
    values: int

    def text(self, sign: str = "") -> str:
        """Return the interval in words: `0.82 (0.74 to 0.88)`, or why there is none.

        Args:
            sign: `"+"` to write the sign of positive numbers.
        """
        mean = f"{self.mean:{sign}.3g}"
        if self.low is None or self.high is None:
            return f"{mean} (no interval: {_reason(self.values)})"
        return f"{mean} ({self.low:{sign}.3g} to {self.high:{sign}.3g})"


def _reason(values: int) -> str:
    return "1 value" if values == 1 else f"all {values:,} values are equal"


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


def difference_of_shares(pairs: Sequence[tuple[float, float]]) -> Interval:
    """Return the difference of two paired shares, the second one less the first, with Newcombe's
    interval (R. G. Newcombe, Stat. Med. 17, 1998, method 10).

    It has a width where no pair differs: in 10 equal pairs, the true shares may still differ.

    Args:
        pairs: at least 1, each of two values that are 0 or 1.
    """
    count = len(pairs)
    before = share(sum(pair[0] for pair in pairs), count)
    after = share(sum(pair[1] for pair in pairs), count)
    correlation = _correlation(pairs)
    mean = after.mean - before.mean
    low = mean - _joined(_below(after), _above(before), correlation)
    high = mean + _joined(_above(after), _below(before), correlation)
    return Interval(mean, low, high, count)


def _below(interval: Interval) -> float:
    return interval.mean - (interval.low or 0.0)


def _above(interval: Interval) -> float:
    return (interval.high or 0.0) - interval.mean


def _joined(one: float, other: float, correlation: float) -> float:
    """Return the distance of the difference's limit from its mean.

    Args:
        one: distance of the limit of a share from its mean.
        other: the same of the other share.
        correlation: of the two.
    """
    return math.sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))


def _correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the correlation of paired values, with Newcombe's correction for continuity."""
    count = len(pairs)
    both = sum(before * after for before, after in pairs)
    only_before = sum(before for before, _ in pairs) - both
    only_after = sum(after for _, after in pairs) - both
    none = count - both - only_before - only_after
    margins = (
        (both + only_before) * (only_after + none) * (both + only_after) * (only_before + none)
    )
    if margins == 0:
        return 0.0
    agreement = both * none - only_before * only_after
    if agreement > 0:
        agreement = max(0.0, agreement - count / 2)
    return agreement / math.sqrt(margins)


def bootstrap(values: Sequence[float]) -> Interval:
    """Return a mean with its percentile bootstrap interval; the same for the same values.

    Equal values have none: how much others would vary is not known from them.

    Args:
        values: at least 1, finite. For a paired comparison they are the differences.
    """
    count = len(values)
    mean = math.fsum(values) / count
    if min(values) == max(values):
        return Interval(mean, None, None, count)
    source = random.Random(_SEED)  # noqa: S311 - statistics
    mixed = source.sample([value - mean for value in values], count)
    size = min(BLOCKS, count)
    sums = [sum(mixed[first::size]) for first in range(size)]
    means = sorted(sum(source.choices(sums, k=size)) / count for _ in range(RESAMPLES))
    tail = int(RESAMPLES * (1 - LEVEL) / 2)
    return Interval(mean, mean + means[tail], mean + means[-1 - tail], count)
