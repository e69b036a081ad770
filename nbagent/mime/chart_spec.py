"""Shared parts of the readers of charts: values in a specification, and the chart of some series.

Libraries that draw by a browser's scripts have no picture without them. Their readers
(`plotly_chart`, `vega_lite_chart`) understand the common charts. For any other they raise
`NotSimple`, rather than make a picture that says something else.
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

_MONTH_CHARS = len("2024-01")

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


class NotSimple(Exception):
    """A specification says more than the simple picture of a chart could show."""


def require(is_simple: bool) -> None:
    """Check that a specification is that of a simple chart.

    Raises:
        NotSimple: it is not.
    """
    if not is_simple:
        raise NotSimple


def chart_of(
    series: Sequence[Series],
    title: str,
    x_title: str,
    y_title: str,
    *,
    horizontal: bool = False,
    stacked: bool = False,
    order: Sequence[str] = (),
) -> Chart:
    """Return a chart of series whose x are numbers, times or names.

    Raises:
        NotSimple: there are no points, or too many.
    """
    xs = list(chain.from_iterable(each.xs for each in series))
    require(0 < len(xs) <= MAX_POINTS)
    if len(series) == 1:
        series = [replace(series[0], name="")]
    chart = Chart(series, title, x_title, y_title, horizontal=horizontal, stacked=stacked)
    if order:
        return _with_names(chart, order)
    if not any(isinstance(x, str) for x in xs):
        return chart
    seconds = _all_seconds(xs)
    if seconds is None:
        return _with_names(chart, list(dict.fromkeys(map(str, xs))))
    timed = [replace(each, xs=[seconds[x] for x in each.xs]) for each in series]
    return replace(chart, series=timed, dates=True)


def _with_names(chart: Chart, names: Sequence[str]) -> Chart:
    """Return a chart whose x are names, in that order."""
    named = [replace(each, xs=list(map(str, each.xs))) for each in chart.series]
    return replace(chart, series=named, categories=names)


def record_in(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the field if it is a JSON object; else an empty one."""
    found = value.get(name)
    if isinstance(found, dict):
        return found
    return {}


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
    if isinstance(value, (int, float)):
        return value
    return str(value)


def require_points(xs: Sequence[Any], ys: Sequence[float]) -> None:
    """Check that each x has a y, and that some of these are numbers.

    Raises:
        NotSimple: it is not so.
    """
    require(len(xs) == len(ys))
    require(any(map(math.isfinite, ys)))


def _seconds(value: Coordinate) -> float | None:
    """Return an ISO 8601 date as seconds since the epoch; None for anything else."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d", value):
        return None
    if len(value) <= _MONTH_CHARS:  # `fromisoformat` takes no months
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
        data = memoryview(base64.b64decode(column.get("bdata", "")))
        return data.cast(form).tolist()  # type: ignore[call-overload,no-any-return]
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
