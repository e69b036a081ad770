"""Charts from Vega-Lite's specifications; https://vega.github.io/vega-lite/docs/spec.html."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from nbagent.mime.chart import Chart, Coordinate, Mark, Series
from nbagent.mime.chart_spec import MAX_POINTS, chart_of, number_of, record_in, title_of

_Json: TypeAlias = Mapping[str, Any]
_Rows: TypeAlias = Sequence[Mapping[str, Any]]
_Groups: TypeAlias = dict[str, dict[Coordinate, list[float]]]

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
_AGGREGATES: dict[str, Callable[[list[float]], float]] = {
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
    return _layered(spec, layers) if isinstance(layers, list) else _unit(spec)


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
        [each for chart in drawn for each in chart.series],
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
    order: Sequence[str] = ()
    if along.get("type") in ("nominal", "ordinal"):
        series = [replace(each, xs=list(map(str, each.xs))) for each in series]
        names = dict.fromkeys(str(x) for each in series for x in each.xs)
        is_sorted = along.get("sort", "") is not None
        order = sorted(names, reverse=horizontal) if is_sorted else list(names)
    return chart_of(
        series,
        title_of(spec),
        _channel_title(along),
        _channel_title(up),
        horizontal=horizontal,  # its names go from the top down
        stacked=mark in ("bar", "area"),
        order=order,
    )


def _mark_of(spec: _Json) -> Mark | None:
    mark = spec.get("mark")
    return _MARKS.get(str(mark.get("type") if isinstance(mark, dict) else mark))


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
    return (
        rows
        if isinstance(rows, list)
        and len(rows) <= 20 * MAX_POINTS
        and all(isinstance(row, dict) for row in rows)
        else None
    )


def _groups(
    rows: _Rows, along: _Json, up: _Json, color: Any
) -> dict[str, dict[Coordinate, float]] | None:
    """Return the value at each place, by the name of its colour; None if the channels say more than
    that.
    """
    field, measure, aggregate = along.get("field"), up.get("field"), up.get("aggregate")
    reduce = _only if aggregate is None else _AGGREGATES.get(aggregate)
    is_plain = isinstance(field, str) and not along.get("aggregate") and reduce is not None
    if not is_plain or (measure is None and aggregate != "count"):
        return None
    assert isinstance(field, str)
    assert reduce is not None
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
        if place is None or isinstance(place, dict | list):
            continue
        name = "" if color is None else str(row.get(color))
        point: Coordinate = place if isinstance(place, int | float) else str(place)
        value = 1.0 if measure is None else number_of(row.get(measure))
        found.setdefault(name, {}).setdefault(point, []).append(value)
    return found


def _have_several(groups: _Groups) -> bool:
    return any(len(values) > 1 for places in groups.values() for values in places.values())


def _only(values: list[float]) -> float:
    return values[0]


def _is_quantity(channel: Mapping[str, Any]) -> bool:
    return channel.get("type") == "quantitative" or "aggregate" in channel


def _channel_title(channel: Mapping[str, Any]) -> str:
    title, field, aggregate = channel.get("title"), channel.get("field"), channel.get("aggregate")
    if isinstance(title, str):
        return title
    if aggregate:
        return f"{aggregate} of {field}" if field else str(aggregate)
    return str(field or "")
