"""Charts from Vega-Lite's specifications; https://vega.github.io/vega-lite/docs/spec.html."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

from nbagent.mime.chart import Chart, Coordinate, Mark, Series
from nbagent.mime.chart_spec import (
    MAX_POINTS,
    NotSimple,
    chart_of,
    coordinate_of,
    number_of,
    record_in,
    require,
    title_of,
)

_Json: TypeAlias = Mapping[str, Any]
_Rows: TypeAlias = Sequence[Mapping[str, Any]]
_Groups: TypeAlias = dict[str, dict[Coordinate, list[float]]]

# Rows of the data, of which a chart may draw sums.
_MAX_ROWS = 20 * MAX_POINTS
_MORE_THAN_MARKS = {"transform", "hconcat", "vconcat", "concat", "facet", "repeat", "spec"}
_OTHER_CHANNELS = {"row", "column", "facet", "x2", "y2", "theta", "xOffset", "yOffset"}
_MARKS: dict[str, Mark] = {
    "line": "line",
    "point": "point",
    "circle": "point",
    "square": "point",
    "area": "area",
    "bar": "bar",
}
# Without one each place has one value.
_AGGREGATES: dict[str | None, Callable[[list[float]], float]] = {
    None: itemgetter(0),
    "sum": math.fsum,
    "mean": statistics.fmean,
    "average": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}


def vega_lite_chart(spec: _Json) -> Chart:
    """Return the chart of a Vega-Lite specification with its data inside.

    Raises:
        NotSimple: it is not a simple one.
    """
    require(spec.keys().isdisjoint(_MORE_THAN_MARKS))
    layers = spec.get("layer")
    if isinstance(layers, list):
        return _layered(spec, layers)
    return _unit(spec)


def _layered(spec: _Json, layers: Sequence[_Json]) -> Chart:
    require(bool(layers))
    shared = {name: spec[name] for name in ("data", "datasets") if name in spec}
    drawn: list[Chart] = []
    for layer in layers:
        encoding = {**record_in(spec, "encoding"), **record_in(layer, "encoding")}
        chart = vega_lite_chart({**shared, **layer, "encoding": encoding})
        require(not chart.horizontal)
        drawn.append(chart)
    first = drawn[0]
    return chart_of(
        list(chain.from_iterable(chart.series for chart in drawn)),
        title_of(spec),
        first.x_title,
        first.y_title,
        stacked=first.stacked,
        order=first.categories,
    )


def _unit(spec: _Json) -> Chart:
    """Return the chart of one mark."""
    mark, encoding = _mark_of(spec), record_in(spec, "encoding")
    require(encoding.keys().isdisjoint(_OTHER_CHANNELS))
    x, y = record_in(encoding, "x"), record_in(encoding, "y")
    _require_plain(x)
    _require_plain(y)
    along, up = x, y
    horizontal = mark == "bar" and _is_quantity(x) and not _is_quantity(y)
    if horizontal:
        along, up = y, x
    groups = _groups(_rows_of(spec), along, up, record_in(encoding, "color").get("field"))
    series = [
        Series(mark, list(points), list(points.values()), name) for name, points in groups.items()
    ]
    order: list[str] = []
    if along.get("type") in ("nominal", "ordinal"):
        series = [replace(each, xs=list(map(str, each.xs))) for each in series]
        order = list(dict.fromkeys(chain.from_iterable(map(str, each.xs) for each in series)))
        if along.get("sort", "") is not None:
            order.sort(reverse=horizontal)  # names beside bars go from the top down
    return chart_of(
        series,
        title_of(spec),
        _channel_title(along),
        _channel_title(up),
        horizontal=horizontal,
        stacked=mark in ("bar", "area"),
        order=order,
    )


def _mark_of(spec: _Json) -> Mark:
    mark = spec.get("mark")
    if isinstance(mark, dict):
        mark = mark.get("type")
    name = str(mark)
    require(name in _MARKS)
    return _MARKS[name]


def _require_plain(channel: _Json) -> None:
    """Check that a channel shows the values of a field as they are, in their own order."""
    require(not channel.get("bin") and not channel.get("timeUnit"))
    scale = record_in(channel, "scale").get("type")
    require(scale in (None, "linear", "band", "point", "time"))
    require(channel.get("sort") in (None, "ascending"))


def _rows_of(spec: _Json) -> _Rows:
    data = record_in(spec, "data")
    rows = data.get("values", record_in(spec, "datasets").get(str(data.get("name"))))
    if not isinstance(rows, list) or len(rows) > _MAX_ROWS:
        raise NotSimple
    require(all(isinstance(row, dict) for row in rows))
    return rows


def _groups(rows: _Rows, along: _Json, up: _Json, color: Any) -> dict[str, dict[Coordinate, float]]:
    """Return the value at each place, by the name of its colour."""
    field, measure, aggregate = along.get("field"), up.get("field"), up.get("aggregate")
    require(aggregate in _AGGREGATES and not along.get("aggregate"))
    require(measure is not None or aggregate == "count")
    if not isinstance(field, str):
        raise NotSimple
    found = _collected(rows, field, measure, color)
    if aggregate is None:
        _require_single(found)
    reduce = _AGGREGATES[aggregate]
    in_order = along.get("type") in ("quantitative", "temporal")
    made: dict[str, dict[Coordinate, float]] = {}
    for name, places in found.items():
        points = [(place, reduce(values)) for place, values in places.items()]
        if in_order:
            points.sort(key=lambda point: (isinstance(point[0], str), point[0]))
        made[name] = dict(points)
    return made


def _collected(rows: _Rows, field: str, measure: Any, color: Any) -> _Groups:
    """Return all values at each place, by the name of their colour."""
    found: _Groups = {}
    for row in rows:
        place = row.get(field)
        if place is None or isinstance(place, (dict, list)):
            continue
        name, value = "", 1.0
        if color is not None:
            name = str(row.get(color))
        if measure is not None:
            value = number_of(row.get(measure))
        places = found.setdefault(name, {})
        places.setdefault(coordinate_of(place), []).append(value)
    return found


def _require_single(groups: _Groups) -> None:
    """Check that each place has one value."""
    for places in groups.values():
        require(all(len(values) == 1 for values in places.values()))


def _is_quantity(channel: _Json) -> bool:
    return channel.get("type") == "quantitative" or "aggregate" in channel


def _channel_title(channel: _Json) -> str:
    title = channel.get("title")
    if isinstance(title, str):
        return title
    words = filter(None, (channel.get("aggregate"), channel.get("field")))
    return " of ".join(map(str, words))
