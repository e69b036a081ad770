"""Shared parts of the readers of charts: values in a specification, and the chart of some series.

Libraries that draw by a browser's scripts have no picture without them. Their readers
(`plotly_chart`, `vega_lite_chart`) understand the common charts; for any other they return None
rather than a picture that says something else.
"""

import base64
import datetime
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from nbagent.mime.chart import Chart, Coordinate, Series

MAX_POINTS = 5_000
"""Points of a chart that are drawn; a chart with more has no simple picture."""

_TAG = re.compile(r"<[^<>]*>")
# As `array` and `memoryview` name numpy's types.
_FORMATS = {
    "i1": "b",
    "u1": "B",
    "i2": "h",
    "u2": "H",
    "i4": "i",
    "u4": "I",
    "i8": "q",
    "u8": "Q",
    "f4": "f",
    "f8": "d",
}


def chart_of(
    series: Sequence[Series],
    title: str,
    x_title: str,
    y_title: str,
    *,
    horizontal: bool = False,
    stacked: bool = False,
    order: Sequence[str] = (),
) -> Chart | None:
    """Return a chart of series whose x are numbers, times or names; None if they are empty, too
    many or no numbers.
    """
    xs = list(chain.from_iterable(each.xs for each in series))
    if not xs or len(xs) > MAX_POINTS:
        return None
    if len(series) == 1:
        series = [replace(series[0], name="")]
    chart = Chart(series, title, x_title, y_title, horizontal=horizontal, stacked=stacked)
    if not order and not any(isinstance(x, str) for x in xs):
        return chart
    seconds = None if order else _all_seconds(xs)
    if seconds is not None:
        timed = [replace(each, xs=[seconds[x] for x in each.xs]) for each in series]
        return replace(chart, series=timed, dates=True)
    named = [replace(each, xs=list(map(str, each.xs))) for each in series]
    return replace(chart, series=named, categories=order or list(dict.fromkeys(map(str, xs))))


def record_in(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the field if it is a JSON object; else an empty one."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def title_of(value: Mapping[str, Any]) -> str:
    """Return the title of a chart or an axis, without markup; empty if it has none."""
    title = value.get("title")
    if isinstance(title, dict):
        title = title.get("text")
    if not isinstance(title, str):
        return ""
    return _TAG.sub("", title)


def numbers_in(column: Any) -> list[float]:
    """Return the values of a column as numbers; NaN for what is none."""
    return [number_of(value) for value in values_in(column)]


def number_of(value: Any) -> float:
    """Return a number; NaN for anything else."""
    if isinstance(value, (bool, str)):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def coordinate_of(value: Any) -> Coordinate:
    """Return a number as it is, anything else as its text."""
    return value if isinstance(value, (int, float)) else str(value)


def can_be_drawn(xs: Sequence[Any], ys: Sequence[float]) -> bool:
    """Return True if each x has a y, and some of these are numbers."""
    return len(xs) == len(ys) and any(map(math.isfinite, ys))


def _seconds(value: Coordinate) -> float | None:
    """Return an ISO 8601 date as seconds since the epoch; None for anything else."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d", value):
        return None
    if len(value) <= 7:  # a month, which `fromisoformat` does not take
        value = f"{value}-01"
    try:
        when = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return when.timestamp()


def values_in(column: Any) -> list[Any]:
    """Return the values of a column: a list, or plotly's `{"dtype": "f8", "bdata": base64}`."""
    if isinstance(column, dict):
        form = _FORMATS.get(str(column.get("dtype")))
        if form is None or column.get("shape") or sys.byteorder != "little":
            return []
        return memoryview(base64.b64decode(column.get("bdata", ""))).cast(form).tolist()  # type: ignore[call-overload,no-any-return]
    if isinstance(column, str) or not isinstance(column, Iterable):
        return []
    return list(column)


def _all_seconds(xs: Iterable[Coordinate]) -> dict[Coordinate, float] | None:
    """Return the seconds since the epoch of each date; None if one is no date."""
    found: dict[Coordinate, float] = {}
    for x in xs:
        seconds = _seconds(x)
        if seconds is None:
            return None
        found[x] = seconds
    return found
