"""Charts from the JSON of plotly's figures; https://plotly.com/javascript/reference/."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from nbagent.mime.chart import Chart, Coordinate, Mark, Series
from nbagent.mime.chart_spec import (
    chart_of,
    coordinate_of,
    numbers_in,
    record_in,
    require,
    require_points,
    title_of,
    values_in,
)

_Json: TypeAlias = Mapping[str, Any]

_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,20}|rgba?\([\d\s.,%]+\)")
_MAX_BINS = 40


def plotly_chart(figure: _Json) -> Chart:
    """Return the chart of a plotly figure, `{"data": […], "layout": {…}}`.

    Raises:
        NotSimple: it is not a simple one.
    """
    layout = record_in(figure, "layout")
    traces = [each for each in figure.get("data", ()) if each.get("visible", True) is True]
    _require_plain_axes(layout, traces)
    kinds = {trace.get("type", "scatter") for trace in traces}
    if kinds == {"pie"}:
        return _pie(traces, title_of(layout))
    if kinds == {"histogram"}:
        return _histogram_chart(traces, layout)
    return _chart_over_axes(traces, layout)


def _require_plain_axes(layout: _Json, traces: Sequence[_Json]) -> None:
    """Check that there is one plot, whose axes are numbers, times or names."""
    types = {record_in(layout, name).get("type") for name in ("xaxis", "yaxis")}
    require(types.isdisjoint({"log", "multicategory"}))
    axes = {(trace.get("xaxis", "x"), trace.get("yaxis", "y")) for trace in traces}
    require(axes == {("x", "y")})


def _axis_titles(layout: _Json) -> tuple[str, str]:
    return title_of(record_in(layout, "xaxis")), title_of(record_in(layout, "yaxis"))


def _pie(traces: Sequence[_Json], title: str) -> Chart:
    require(len(traces) == 1)
    names = list(map(str, values_in(traces[0].get("labels"))))
    sizes = numbers_in(traces[0].get("values"))
    require_points(names, sizes)
    return Chart([Series("bar", names, sizes)], title=title, pie=True)


def _histogram_chart(traces: Sequence[_Json], layout: _Json) -> Chart:
    require(len(traces) == 1)
    series = _histogram(traces[0])
    x_title, y_title = _axis_titles(layout)
    stacked = layout.get("barmode", "group") != "group"
    return chart_of([series], title_of(layout), x_title, y_title or "count", stacked=stacked)


def _chart_over_axes(traces: Sequence[_Json], layout: _Json) -> Chart:
    """Return the chart of lines, points, areas and bars."""
    bars = [trace for trace in traces if trace.get("type") == "bar"]
    mode = layout.get("barmode", "group")
    if bars:
        require(len(traces) == 1 or mode in ("group", "stack", "relative"))
        stacked = mode != "group"
    else:
        stacked = any(trace.get("stackgroup") for trace in traces)
    horizontal = len(bars) == len(traces) and all(bar.get("orientation") == "h" for bar in bars)
    x_title, y_title = _axis_titles(layout)
    if horizontal:
        x_title, y_title = y_title, x_title
    series: list[Series] = []
    for trace in traces:
        series += _series_of(trace, horizontal)
    return chart_of(
        series, title_of(layout), x_title, y_title, horizontal=horizontal, stacked=stacked
    )


def _series_of(trace: _Json, horizontal: bool) -> list[Series]:
    """Return a trace as series, one for each kind of mark that it is drawn with."""
    kind, mode = trace.get("type", "scatter"), str(trace.get("mode", "lines"))
    require(kind in ("scatter", "scattergl", "bar"))
    require("text" not in mode)
    places, numbers = _points_of(trace, horizontal)
    name = ""
    if trace.get("showlegend", True) is not False:
        name = str(trace.get("name") or "")
    marker_color = _color(record_in(trace, "marker").get("color"))
    if kind == "bar":
        return [Series("bar", places, numbers, name, marker_color)]
    color = _color(record_in(trace, "line").get("color")) or marker_color
    series: list[Series] = []
    for mark in _marks(trace, mode):
        series.append(Series(mark, places, numbers, name, color))
        name = ""  # the legend names them once
    return series


def _points_of(trace: _Json, horizontal: bool) -> tuple[list[Coordinate], list[float]]:
    """Return the places along the axis of a trace, and the numbers at them."""
    xs, ys = values_in(trace.get("x")), values_in(trace.get("y"))
    if horizontal:
        xs, ys = ys, xs
    numbers = numbers_in(ys)
    if not xs:
        xs = list(range(len(numbers)))
    require_points(xs, numbers)
    return list(map(coordinate_of, xs)), numbers


def _marks(trace: _Json, mode: str) -> list[Mark]:
    marks: list[Mark] = []
    if trace.get("fill") == "tozeroy" or trace.get("stackgroup"):
        marks.append("area")
    if "lines" in mode:
        marks.append("line")
    if "markers" in mode:
        marks.append("point")
    return marks


def _histogram(trace: _Json) -> Series:
    """Return the bars that plotly would draw of the values of a trace."""
    raw = values_in(trace.get("x"))
    require(bool(raw) and trace.get("y") is None)
    require(trace.get("histfunc", "count") == "count" and not trace.get("histnorm"))
    values = list(filter(math.isfinite, numbers_in(raw)))
    if not values:  # names
        counts = Counter(map(str, raw))
        return Series("bar", list(counts), list(map(float, counts.values())))
    low, high = min(values), max(values)
    bins = min(_MAX_BINS, max(1, math.ceil(math.sqrt(len(values)))))
    width = (high - low) / bins or 1.0
    heights = [0.0] * bins
    for value in values:
        heights[min(bins - 1, int((value - low) / width))] += 1
    middles = [low + width * (number + 0.5) for number in range(bins)]
    return Series("bar", middles, heights)


def _color(value: Any) -> str:
    if isinstance(value, str) and _COLOR.fullmatch(value):
        return value
    return ""
