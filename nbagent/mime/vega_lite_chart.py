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
    chart_of,
    coordinate_of,
    number_of,
    record_in,
    title_of,
)

_Json: TypeAlias = Mapping[str, Any]
_Rows: TypeAlias = Sequence[Mapping[str, Any]]
_Groups: TypeAlias = dict[str, dict[Coordinate, list[float]]]

# Rows of the data, of which a chart may draw sums.
_MAX_ROWS = 20 * MAX_POINTS
_SEVERAL_PLOTS = ("hconcat", "vconcat", "concat", "facet", "repeat", "spec")
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


def vega_lite_chart(spec: _Json) -> Chart | None:
    """Return the chart of a Vega-Lite specification with its data inside; None if it is not a
    simple one.
    """
    if "transform" in spec or any(name in spec for name in _SEVERAL_PLOTS):
        return None
    layers = spec.get("layer")
    if isinstance(layers, list):
        return _layered(spec, layers)
    return _unit(spec)


def _layered(spec: _Json, layers: Sequence[_Json]) -> Chart | None:
    shared = {name: spec[name] for name in ("data", "datasets") if name in spec}
    drawn: list[Chart] = []
    for layer in layers:
        encoding = {**record_in(spec, "encoding"), **record_in(layer, "encoding")}
        chart = vega_lite_chart({**shared, **layer, "encoding": encoding})
        if chart is None or chart.horizontal or chart.pie:
            return None
        drawn.append(chart)
    if not drawn:
        return None
    first = drawn[0]
    return chart_of(
        list(chain.from_iterable(chart.series for chart in drawn)),
        title_of(spec),
        first.x_title,
        first.y_title,
        stacked=first.stacked,
        order=first.categories,
    )


def _unit(spec: _Json) -> Chart | None:
    """Return the chart of one mark."""
    mark = _mark_of(spec)
    encoding, rows = record_in(spec, "encoding"), _rows_of(spec)
    if mark is None or rows is None or encoding.keys() & _OTHER_CHANNELS:
        return None
    x, y = record_in(encoding, "x"), record_in(encoding, "y")
    if not _is_plain(x) or not _is_plain(y):
        return None
    horizontal = mark == "bar" and _is_quantity(x) and not _is_quantity(y)
    along, up = (y, x) if horizontal else (x, y)
    groups = _groups(rows, along, up, record_in(encoding, "color").get("field"))
    if groups is None:
        return None
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


def _mark_of(spec: _Json) -> Mark | None:
    mark = spec.get("mark")
    if isinstance(mark, dict):
        mark = mark.get("type")
    return _MARKS.get(str(mark))


def _is_plain(channel: _Json) -> bool:
    """Return True if a channel shows the values of a field as they are, in their own order."""
    scale = record_in(channel, "scale").get("type")
    if channel.get("bin") or channel.get("timeUnit"):
        return False
    is_known_scale = scale in (None, "linear", "band", "point", "time")
    return is_known_scale and channel.get("sort") in (None, "ascending")


def _rows_of(spec: Mapping[str, Any]) -> _Rows | None:
    data = record_in(spec, "data")
    rows = data.get("values", record_in(spec, "datasets").get(str(data.get("name"))))
    if not isinstance(rows, list) or len(rows) > _MAX_ROWS:
        return None
    return rows if all(isinstance(row, dict) for row in rows) else None


def _groups(
    rows: _Rows, along: _Json, up: _Json, color: Any
) -> dict[str, dict[Coordinate, float]] | None:
    """Return the value at each place, by the name of its colour; None if the channels say more than
    that.
    """
    field, measure, aggregate = along.get("field"), up.get("field"), up.get("aggregate")
    reduce = _AGGREGATES.get(aggregate)
    if reduce is None or not isinstance(field, str) or along.get("aggregate"):
        return None
    if measure is None and aggregate != "count":
        return None
    found = _collected(rows, field, measure, color)
    if aggregate is None and _have_several(found):
        return None
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
        name = "" if color is None else str(row.get(color))
        value = 1.0 if measure is None else number_of(row.get(measure))
        places = found.setdefault(name, {})
        places.setdefault(coordinate_of(place), []).append(value)
    return found


def _have_several(groups: _Groups) -> bool:
    points = chain.from_iterable(places.values() for places in groups.values())
    return any(len(values) > 1 for values in points)


def _is_quantity(channel: Mapping[str, Any]) -> bool:
    return channel.get("type") == "quantitative" or "aggregate" in channel


def _channel_title(channel: Mapping[str, Any]) -> str:
    title, field, aggregate = channel.get("title"), channel.get("field"), channel.get("aggregate")
    if isinstance(title, str):
        return title
    if aggregate:
        return f"{aggregate} of {field}" if field else str(aggregate)
    return str(field or "")
