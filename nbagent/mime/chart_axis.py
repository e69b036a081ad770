"""Ticks of a chart's axes, and their labels."""

import datetime
import math

_LEAST_RANGE = 1e-300
"""The smallest range that has round numbers in it: those of a smaller one underflow."""


def ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers that cover the range."""
    if high - low < _LEAST_RANGE:
        half = abs(low) / 2
        if abs(low) < _LEAST_RANGE:
            half = 0.5
        low, high = low - half, high + half
    raw = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(raw))
    steps = [factor * unit for factor in (1, 2, 2.5, 5, 10)]
    step = next(step for step in steps if step >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * number, 12) for number in range(first, last + 1)]


def date_ticks(low: float, high: float) -> list[float]:
    """Return six times from the first to the last."""
    if high <= low:
        return [low - 1, low + 1]
    return [low + (high - low) * number / 5 for number in range(6)]


class DateLabel:
    """Label of a time, as exact as a span of seconds needs."""

    def __init__(self, span: float) -> None:
        formats = ((600, "%H:%M:%S"), (86_400, "%H:%M"), (5e8, "%Y-%m-%d"))
        self._format = next((form for limit, form in formats if span < limit), "%Y")

    def __call__(self, seconds: float) -> str:
        """Return the label; empty if it is no time of the calendar."""
        try:
            return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime(self._format)
        except (OverflowError, ValueError, OSError):
            return ""


def number_label(value: float) -> str:
    """Return a number as the label of a tick."""
    if abs(value) >= 1e7 or 0 < abs(value) < 1e-3:
        return f"{value:.3g}"
    return f"{value:,.6g}"
