"""Charts from the JSON of plotly's figures; https://plotly.com/javascript/reference/."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from nbagent.mime.chart import Chart, Mark, Series
from nbagent.mime.chart_spec import (
    can_be_drawn,
    chart_of,
    coordinate_of,
    numbers_in,
    record_in,
    title_of,
    values_in,
)

_Json: TypeAlias = Mapping[str, Any]

_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,20}|rgba?\([\d\s.,%]+\)")
_MAX_BINS = 40


def plotly_chart(figure: _Json) -> Chart | None:
    """Return the chart of a plotly figure, `{"data": […], "layout": {…}}`; None if it is not a
    simple one.
    """
    layout = record_in(figure, "layout")
    traces = [each for each in figure.get("data", ()) if each.get("visible", True) is True]
    if not traces or not _has_plain_axes(layout, traces):
        return None
    kinds = {trace.get("type", "scatter") for trace in traces}
    if kinds == {"pie"}:
        return _pie(traces, title_of(layout))
    if kinds == {"histogram"}:
        return _histogram_chart(traces, layout)
    return _chart_over_axes(traces, layout)


def _has_plain_axes(layout: _Json, traces: Sequence[_Json]) -> bool:
    """Return True if there is one plot, whose axes are numbers, times or names."""
    types = [record_in(layout, name).get("type") for name in ("xaxis", "yaxis")]
    if "log" in types or "multicategory" in types:
        return False
    axes = {(trace.get("xaxis", "x"), trace.get("yaxis", "y")) for trace in traces}
    return axes == {("x", "y")}


def _axis_titles(layout: _Json) -> tuple[str, str]:
    return title_of(record_in(layout, "xaxis")), title_of(record_in(layout, "yaxis"))


def _pie(traces: Sequence[_Json], title: str) -> Chart | None:
    if len(traces) > 1:
        return None
    names = list(map(str, values_in(traces[0].get("labels"))))
    sizes = numbers_in(traces[0].get("values"))
    if not can_be_drawn(names, sizes):
        return None
    return Chart([Series("bar", names, sizes)], title=title, pie=True)


def _histogram_chart(traces: Sequence[_Json], layout: _Json) -> Chart | None:
    if len(traces) > 1:
        return None
    series = _histogram(traces[0])
    if series is None:
        return None
    x_title, y_title = _axis_titles(layout)
    stacked = layout.get("barmode", "group") != "group"
    return chart_of([series], title_of(layout), x_title, y_title or "count", stacked=stacked)


def _chart_over_axes(traces: Sequence[_Json], layout: _Json) -> Chart | None:
    """Return the chart of lines, points, areas and bars."""
    bars = [trace for trace in traces if trace.get("type") == "bar"]
    mode = layout.get("barmode", "group")
    if bars and len(traces) > 1 and mode not in ("group", "stack", "relative"):
        return None
    horizontal = len(bars) == len(traces) and all(bar.get("orientation") == "h" for bar in bars)
    series: list[Series] = []
    for trace in traces:
        made = _trace(trace, horizontal)
        if made is None:
            return None
        series += made
    x_title, y_title = _axis_titles(layout)
    if horizontal:
        x_title, y_title = y_title, x_title
    are_areas_stacked = any(trace.get("stackgroup") for trace in traces)
    stacked = mode != "group" if bars else are_areas_stacked
    return chart_of(
        series, title_of(layout), x_title, y_title, horizontal=horizontal, stacked=stacked
    )


def _trace(trace: _Json, horizontal: bool) -> list[Series] | None:
    kind, mode = trace.get("type", "scatter"), str(trace.get("mode", "lines"))
    if kind not in ("scatter", "scattergl", "bar") or "text" in mode:
        return None
    xs, ys = values_in(trace.get("x")), values_in(trace.get("y"))
    if horizontal:
        xs, ys = ys, xs
    numbers = numbers_in(ys)
    xs = xs or list(range(len(numbers)))
    if not can_be_drawn(xs, numbers):
        return None
    name = ""
    if trace.get("showlegend", True) is not False:
        name = str(trace.get("name") or "")
    places = list(map(coordinate_of, xs))
    marker_color = _color(record_in(trace, "marker").get("color"))
    if kind == "bar":
        return [Series("bar", places, numbers, name, marker_color)]
    color = _color(record_in(trace, "line").get("color")) or marker_color
    series = [Series(mark, places, numbers, "", color) for mark in _marks(trace, mode)]
    if series:  # the legend names them once
        first = series[0]
        series[0] = Series(first.mark, places, numbers, name, color)
    return series


def _marks(trace: _Json, mode: str) -> list[Mark]:
    marks: list[Mark] = []
    if trace.get("fill") == "tozeroy" or trace.get("stackgroup"):
        marks.append("area")
    if "lines" in mode:
        marks.append("line")
    if "markers" in mode:
        marks.append("point")
    return marks


def _histogram(trace: _Json) -> Series | None:
    raw = values_in(trace.get("x"))
    is_count = trace.get("histfunc", "count") == "count" and not trace.get("histnorm")
    if not raw or not is_count or trace.get("y") is not None:
        return None
    values = [value for value in numbers_in(raw) if math.isfinite(value)]
    if not values:  # names
        counts = Counter(map(str, raw))
        return Series("bar", list(counts), list(map(float, counts.values())))
    low, high = min(values), max(values)
    bins = min(_MAX_BINS, max(1, math.ceil(math.sqrt(len(values)))))
    width = (high - low) / bins or 1.0
    heights = [0.0] * bins
    for value in values:
        heights[min(bins - 1, int((value - low) / width))] += 1
    return Series("bar", [low + width * (number + 0.5) for number in range(bins)], heights)


def _color(value: Any) -> str:
    if isinstance(value, str) and _COLOR.fullmatch(value):
        return value
    return ""
