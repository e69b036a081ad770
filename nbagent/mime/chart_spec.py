"""Charts from the JSON of plotly's figures and of Vega-Lite, as far as a simple picture can show
them.

https://plotly.com/javascript/reference/ · https://vega.github.io/vega-lite/docs/spec.html

Neither library draws without a browser's scripts. These readers understand the common charts; for
any other they return None rather than a picture that says something else.
"""

import base64
import datetime
import math
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nbagent.mime.chart import Chart, Coordinate, Mark, Series

_MAX_POINTS = 5_000
"""Points of a chart that are drawn; a chart with more has no simple picture."""

_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,20}|rgba?\([\d\s.,%]+\)")
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
_Rows = Sequence[Mapping[str, Any]]


def plotly_chart(figure: Mapping[str, Any]) -> Chart | None:
    """Return the chart of a plotly figure, `{"data": […], "layout": {…}}`; None if it is not a
    simple one.
    """
    layout, traces = (
        _record(figure, "layout"),
        [each for each in figure.get("data", ()) if each.get("visible", True) is True],
    )
    axes = [_record(layout, name) for name in ("xaxis", "yaxis")]
    if not traces or any(axis.get("type") in ("log", "multicategory") for axis in axes):
        return None
    if any(trace.get(name, name[0]) != name[0] for trace in traces for name in ("xaxis", "yaxis")):
        return None  # several plots in one
    titles = [_title(axis) for axis in axes]
    if len(traces) == 1 and traces[0].get("type") == "pie":
        pie = traces[0]
        names, values = (
            [str(label) for label in _values(pie.get("labels"))],
            _numbers(pie.get("values")),
        )
        return (
            Chart([Series("bar", names, values)], title=_title(layout), pie=True)
            if _can_be_drawn(names, values)
            else None
        )
    kinds = {trace.get("type", "scatter") for trace in traces}
    horizontal = kinds == {"bar"} and all(trace.get("orientation") == "h" for trace in traces)
    series: list[Series] = []
    for trace in traces:
        made = _histogram(trace) if trace.get("type") == "histogram" else _trace(trace, horizontal)
        if made is None:
            return None
        series += made
    if "histogram" in kinds and len(traces) > 1:
        return None
    mode = layout.get("barmode", "group")
    if len(traces) > 1 and "bar" in kinds and mode not in ("group", "stack", "relative"):
        return None
    x_title, y_title = reversed(titles) if horizontal else titles
    if "histogram" in kinds:
        y_title = y_title or "count"
    return _chart(
        series,
        _title(layout),
        x_title,
        y_title,
        horizontal=horizontal,
        stacked=mode != "group"
        if kinds & {"bar", "histogram"}
        else any(trace.get("stackgroup") for trace in traces),
    )


def vega_lite_chart(spec: Mapping[str, Any]) -> Chart | None:
    """Return the chart of a Vega-Lite specification with its data inside; None if it is not a
    simple one.
    """
    if any(
        name in spec
        for name in ("transform", "hconcat", "vconcat", "concat", "facet", "repeat", "spec")
    ):
        return None
    layers = spec.get("layer")
    if isinstance(layers, list):
        shared = {name: spec[name] for name in ("data", "datasets", "encoding") if name in spec}
        charts = [
            vega_lite_chart(
                {
                    **shared,
                    **layer,
                    "encoding": {**_record(shared, "encoding"), **_record(layer, "encoding")},
                }
            )
            for layer in layers
        ]
        drawn = [chart for chart in charts if chart is not None]
        if (
            not drawn
            or len(drawn) < len(charts)
            or any(chart.horizontal or chart.pie for chart in drawn)
        ):
            return None
        first = drawn[0]
        series = [each for chart in drawn for each in chart.series]
        return _chart(
            series,
            _title(spec),
            first.x_title,
            first.y_title,
            stacked=first.stacked,
            order=first.categories,
        )
    mark = spec.get("mark")
    mark_kind = mark.get("type") if isinstance(mark, dict) else mark
    known: Mark | None = {
        "line": "line",
        "point": "point",
        "circle": "point",
        "square": "point",
        "area": "area",
        "bar": "bar",
    }.get(  # type: ignore[assignment]
        str(mark_kind)
    )
    encoding = _record(spec, "encoding")
    rows = _rows_of(spec)
    if (
        known is None
        or rows is None
        or encoding.keys() & {"row", "column", "facet", "x2", "y2", "theta", "xOffset", "yOffset"}
    ):
        return None
    x, y = _record(encoding, "x"), _record(encoding, "y")
    if any(
        channel.get("bin")
        or channel.get("timeUnit")
        or _record(channel, "scale").get("type") not in (None, "linear", "band", "point", "time")
        for channel in (x, y)
    ):
        return None
    if any(channel.get("sort") not in (None, "ascending") for channel in (x, y)):
        return None
    horizontal = known == "bar" and _is_quantity(x) and not _is_quantity(y)
    along, up = (y, x) if horizontal else (x, y)
    groups = _groups(rows, along, up, _record(encoding, "color").get("field"))
    if groups is None:
        return None
    series = [
        Series(known, list(points), list(points.values()), name) for name, points in groups.items()
    ]
    order: Sequence[str] = ()
    if along.get("type") in ("nominal", "ordinal"):
        names = dict.fromkeys(str(x) for each in series for x in each.xs)
        # from the top down
        order = (
            sorted(names, reverse=horizontal) if along.get("sort", "") is not None else list(names)
        )
        series = [
            Series(each.mark, [str(x) for x in each.xs], each.ys, each.name) for each in series
        ]
    return _chart(
        series,
        _title(spec),
        _channel_title(along),
        _channel_title(up),
        horizontal=horizontal,
        stacked=known in ("bar", "area"),
        order=order,
    )


def _chart(
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
    if not any(each.xs for each in series) or sum(len(each.xs) for each in series) > _MAX_POINTS:
        return None
    xs = [x for each in series for x in each.xs]
    categories: Sequence[str] = ()
    dates = False
    if order or any(isinstance(x, str) for x in xs):
        times = [] if order else [_seconds(x) for x in xs]
        if times and None not in times:
            known = dict(zip(xs, times, strict=True))
            dates = True
            series = [
                Series(
                    each.mark, [known[x] or 0.0 for x in each.xs], each.ys, each.name, each.color
                )
                for each in series
            ]
        else:
            categories = order or list(dict.fromkeys(str(x) for x in xs))
            series = [
                Series(each.mark, [str(x) for x in each.xs], each.ys, each.name, each.color)
                for each in series
            ]
    if sum(bool(each.name) for each in series) == 1 == len(series):
        series = [Series(each.mark, each.xs, each.ys, "", each.color) for each in series]
    return Chart(series, title, x_title, y_title, categories, dates, horizontal, stacked)


# --- plotly ---


def _trace(trace: Mapping[str, Any], horizontal: bool) -> list[Series] | None:
    kind, mode = trace.get("type", "scatter"), str(trace.get("mode", "lines"))
    xs, ys = _values(trace.get("x")), _values(trace.get("y"))
    if horizontal:
        xs, ys = ys, xs
    numbers = _numbers(ys)
    xs = xs or list(range(len(numbers)))
    if (
        kind not in ("scatter", "scattergl", "bar")
        or not _can_be_drawn(xs, numbers)
        or "text" in mode
    ):
        return None
    name = str(trace.get("name") or "") if trace.get("showlegend", True) is not False else ""
    line, marker = _record(trace, "line"), _record(trace, "marker")
    places: list[Coordinate] = [x if isinstance(x, int | float) else str(x) for x in xs]
    if kind == "bar":
        return [Series("bar", places, numbers, name, _color(marker.get("color")))]
    color = _color(line.get("color")) or _color(marker.get("color"))
    marks: list[Mark] = (
        ["area"] if trace.get("fill") == "tozeroy" or trace.get("stackgroup") else []
    )
    marks += ["line"] if "lines" in mode else []
    marks += ["point"] if "markers" in mode else []
    return [
        Series(mark, places, numbers, name if mark == marks[0] else "", color) for mark in marks
    ]


def _histogram(trace: Mapping[str, Any]) -> list[Series] | None:
    raw = _values(trace.get("x"))
    if (
        not raw
        or trace.get("y") is not None
        or trace.get("histfunc", "count") != "count"
        or trace.get("histnorm")
    ):
        return None
    values = [value for value in _numbers(raw) if math.isfinite(value)]
    if not values:  # names
        counts: dict[str, float] = {}
        for each in raw:
            counts[str(each)] = counts.get(str(each), 0.0) + 1
        return [Series("bar", list(counts), list(counts.values()))]
    low, high = min(values), max(values)
    bins = min(40, max(1, math.ceil(math.sqrt(len(values)))))
    width = (high - low) / bins or 1.0
    heights = [0.0] * bins
    for value in values:
        heights[min(bins - 1, int((value - low) / width))] += 1
    return [Series("bar", [low + width * (number + 0.5) for number in range(bins)], heights)]


def _values(column: Any) -> list[Any]:
    """Return the values of a column: a list, or plotly's `{"dtype": "f8", "bdata": base64}`."""
    if isinstance(column, dict):
        form = _FORMATS.get(str(column.get("dtype")))
        if form is None or column.get("shape") or sys.byteorder != "little":
            return []
        return memoryview(base64.b64decode(column.get("bdata", ""))).cast(form).tolist()  # type: ignore[call-overload,no-any-return]
    return list(column) if isinstance(column, Iterable) and not isinstance(column, str) else []


# --- Vega-Lite ---

_AGGREGATES: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "mean": statistics.fmean,
    "average": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}


def _rows_of(spec: Mapping[str, Any]) -> _Rows | None:
    data = _record(spec, "data")
    rows = data.get("values", _record(spec, "datasets").get(str(data.get("name"))))
    return (
        rows
        if isinstance(rows, list)
        and len(rows) <= 20 * _MAX_POINTS
        and all(isinstance(row, dict) for row in rows)
        else None
    )


def _groups(
    rows: _Rows, along: Mapping[str, Any], up: Mapping[str, Any], color: Any
) -> dict[str, dict[Coordinate, float]] | None:
    """Return the value at each place, by the name of its colour; None if the channels say more than
    that.
    """
    field, measure, aggregate = along.get("field"), up.get("field"), up.get("aggregate")
    if (
        not isinstance(field, str)
        or along.get("aggregate")
        or (aggregate is not None and aggregate not in _AGGREGATES)
    ):
        return None
    if measure is None and aggregate != "count":
        return None
    found: dict[str, dict[Coordinate, list[float]]] = {}
    for row in rows:
        place = row.get(field)
        value = 1.0 if measure is None else _number(row.get(measure))
        if place is None or isinstance(place, dict | list):
            continue
        name = "" if color is None else str(row.get(color))
        point: Coordinate = place if isinstance(place, int | float) else str(place)
        found.setdefault(name, {}).setdefault(point, []).append(value)
    if aggregate is None and any(
        len(values) > 1 for places in found.values() for values in places.values()
    ):
        return None  # several values at one place
    reduce = _AGGREGATES[aggregate] if aggregate is not None else lambda values: values[0]
    made = {
        name: {place: reduce(values) for place, values in places.items()}
        for name, places in found.items()
    }
    for name, places in made.items():
        if along.get("type") in ("quantitative", "temporal"):
            made[name] = dict(
                sorted(places.items(), key=lambda item: (isinstance(item[0], str), item[0]))
            )
    return made


def _is_quantity(channel: Mapping[str, Any]) -> bool:
    return channel.get("type") == "quantitative" or "aggregate" in channel


def _channel_title(channel: Mapping[str, Any]) -> str:
    title, field, aggregate = channel.get("title"), channel.get("field"), channel.get("aggregate")
    if isinstance(title, str):
        return title
    if aggregate:
        return f"{aggregate} of {field}" if field else str(aggregate)
    return str(field or "")


# --- both ---


def _record(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _title(value: Mapping[str, Any]) -> str:
    title = value.get("title")
    title = title.get("text") if isinstance(title, dict) else title
    return _TAG.sub("", title) if isinstance(title, str) else ""


def _color(value: Any) -> str:
    return value if isinstance(value, str) and _COLOR.fullmatch(value) else ""


def _numbers(column: Any) -> list[float]:
    return [_number(value) for value in _values(column)]


def _number(value: Any) -> float:
    try:
        return math.nan if value is None or isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        return math.nan


def _can_be_drawn(xs: Sequence[Any], ys: Sequence[float]) -> bool:
    """Return True if each x has a y, and some of these are numbers."""
    return len(xs) == len(ys) and any(map(math.isfinite, ys))


def _seconds(value: Coordinate) -> float | None:
    """Return an ISO 8601 date as seconds since the epoch; None for anything else."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d", value):
        return None
    try:
        when = datetime.datetime.fromisoformat(value if len(value) > 7 else f"{value}-01")
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=datetime.UTC)).timestamp()
