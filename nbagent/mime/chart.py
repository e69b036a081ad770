"""Simple charts as SVG: lines, points, areas and bars over two axes, and pies.

Nothing in the markup runs or is loaded. The exporters of plotly and Altair draw better, and are
used where they are installed (`picture.py`). They cannot be required: vl-convert is 33 MB, and
kaleido drives a Chrome.
"""

import html
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, assert_never

from nbagent.mime.chart_axis import DateLabel, date_ticks, number_label, ticks

Mark: TypeAlias = Literal["line", "point", "area", "bar"]
Coordinate: TypeAlias = float | str

PALETTE = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#eeca3b", "#9d755d")
"""Colours of series and slices that name none."""

_WIDTH, _HEIGHT = 640, 400
_LEFT, _TOP, _BOTTOM = 76, 44, 60
_RIGHT, _LEGEND = 40, 150
"""Pixels right of the axes, without and with a legend."""
_MAX_LABELS = 12
_LABEL_CHARS = 16
_MAX_LEGEND = 12


@dataclass(frozen=True)
class Series:
    """Points that are drawn alike.

    Attributes:
        mark: how they are drawn.
        xs: numbers, or names of categories.
        ys: one number for each of `xs`; NaN where there is none.
        name: label in the legend; empty if it has none.
        color: a CSS colour; empty for one of `PALETTE`.
    """

    mark: Mark
    xs: Sequence[Coordinate]
    ys: Sequence[float]
    name: str = ""
    color: str = ""


@dataclass(frozen=True)
class Chart:
    """Chart of some series.

    Attributes:
        series: what is drawn, the first at the back. Of a pie: one series of bars.
        title: heading.
        x_title: label of the x axis.
        y_title: label of the y axis.
        categories: names along the x axis in order; empty if x is a number.
        dates: whether numbers on the x axis are seconds since the epoch.
        horizontal: whether x goes upwards and y to the right.
        stacked: whether bars and areas stand on those before them.
        pie: whether the first series is drawn as slices.
    """

    series: Sequence[Series]
    title: str = ""
    x_title: str = ""
    y_title: str = ""
    categories: Sequence[str] = field(default=())
    dates: bool = False
    horizontal: bool = False
    stacked: bool = False
    pie: bool = False


def chart_svg(chart: Chart) -> str:
    """Return the chart as an SVG document."""
    if chart.pie:
        body = _pie(chart)
    else:
        body = _Plot(chart).svg()
    title = _text(_WIDTH / 2, 24, chart.title, size=15)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#333"><rect width="100%" height="100%" '
        f'fill="#fff"/>{title}{body}</svg>'
    )


class _Scale:
    """The pixels of values along one axis of a plot: from `start`, of the value `low`, to `end`."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._range = low, (high - low) or 1.0
        self._start, self._length = start, end - start

    def pixel(self, value: float) -> float:
        """Return the pixel of a value."""
        return self._start + (value - self._low) / self._range * self._length


class _Plot:
    """Writer of a chart with two axes."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._names = {name: index for index, name in enumerate(chart.categories)}
        self._bars = [series for series in chart.series if series.mark == "bar"]
        self._bases = self._stack()
        self._right = _WIDTH - _RIGHT
        if any(series.name for series in chart.series):
            self._right = _WIDTH - _LEGEND
        ys = self._finite_ys()
        self._y_ticks = ticks(min(ys, default=0.0), max(ys, default=1.0))
        self._y = self._scale(self._y_ticks[0], self._y_ticks[-1], not chart.horizontal)
        if self._names:
            self._x_ticks: list[float] = []
            self._x = self._scale(-0.5, len(self._names) - 0.5, chart.horizontal)
            return
        xs = self._finite_xs()
        left, right = min(xs, default=0.0), max(xs, default=1.0)
        self._x_ticks = ticks(left, right)
        if chart.dates:
            self._x_ticks = date_ticks(left, right)
        half = 0.0
        if self._bars and xs:
            half = self._bar_width() / 2
        low = min(self._x_ticks[0], left - half)
        high = max(self._x_ticks[-1], right + half)
        self._x = self._scale(low, high, chart.horizontal)

    def _scale(self, low: float, high: float, upwards: bool) -> _Scale:
        if upwards:
            return _Scale(low, high, _HEIGHT - _BOTTOM, _TOP)
        return _Scale(low, high, _LEFT, self._right)

    def _finite_xs(self) -> list[float]:
        """Return all that the x axis must reach, where it has numbers."""
        xs = itertools.chain.from_iterable(series.xs for series in self._chart.series)
        return list(filter(math.isfinite, map(self._number, xs)))

    def _finite_ys(self) -> list[float]:
        """Return all that the y axis must reach: values, sums of a stack, the foot of bars."""
        ys = list(itertools.chain.from_iterable(series.ys for series in self._chart.series))
        for tops in self._bases.values():
            ys += itertools.chain.from_iterable(tops)
        if self._bases:
            ys.append(0.0)
        return list(filter(math.isfinite, ys))

    def svg(self) -> str:
        """Return the axes, the marks and the legend."""
        chart, across = self._chart, self._chart.horizontal
        y_labels = [(self._y.pixel(y), number_label(y)) for y in self._y_ticks]
        pieces = [
            self._axis(across, chart.x_title, self._x_labels()),
            self._axis(not across, chart.y_title, y_labels),
        ]
        entries = []
        for index, series in enumerate(chart.series):
            color = html.escape(series.color) or PALETTE[index % len(PALETTE)]
            pieces.append(self._marks(index, series, color))
            entries.append((series.name, color))
        return "".join(pieces) + _legend(entries)

    def _number(self, x: Coordinate) -> float:
        if self._names:
            return float(self._names.get(str(x), math.nan))
        return float(x)

    def _point(self, x: float, y: float) -> tuple[float, float]:
        if self._chart.horizontal:
            return self._y.pixel(y), self._x.pixel(x)
        return self._x.pixel(x), self._y.pixel(y)

    def _x_labels(self) -> list[tuple[float, str]]:
        if self._names:
            step = -(-len(self._names) // _MAX_LABELS)
            shown = list(self._names.items())[::step]
            return [(self._x.pixel(at), name) for name, at in shown]
        label: Callable[[float], str] = number_label
        if self._chart.dates:
            label = DateLabel(self._x_ticks[-1] - self._x_ticks[0])
        return [(self._x.pixel(x), label(x)) for x in self._x_ticks]

    def _axis(self, upwards: bool, title: str, labels: list[tuple[float, str]]) -> str:
        right, bottom = self._right, _HEIGHT - _BOTTOM
        made = []
        if upwards:
            for at, label in labels:
                made.append(f'<path d="M{_LEFT} {at:.1f}H{right}" stroke="#ddd"/>')
                made.append(_text(_LEFT - 6, at + 4, label, anchor="end"))
            made.append(_text(16, (_TOP + bottom) / 2, title, turn=-90))
            return "".join(made)
        for at, label in labels:
            made.append(f'<path d="M{at:.1f} {bottom}v4" stroke="#888"/>')
            made.append(_text(at, bottom + 18, label))
        made.append(f'<path d="M{_LEFT} {bottom}H{right}" stroke="#888"/>')
        made.append(_text((_LEFT + right) / 2, _HEIGHT - 22, title))
        return "".join(made)

    def _stack(self) -> dict[int, list[tuple[float, float]]]:
        """Return the lower and upper ends of the bars and areas, by the series' index."""
        ends: dict[int, list[tuple[float, float]]] = {}
        # Heights of the bars so far, by place. Negative values hang below the positive ones.
        heights: dict[tuple[Coordinate, bool], float] = {}
        for index, series in enumerate(self._chart.series):
            if series.mark not in ("bar", "area"):
                continue
            ends[index] = []
            for x, y in zip(series.xs, series.ys, strict=True):
                low = heights.get((x, y < 0), 0.0)
                ends[index].append((low, low + y))
                if self._chart.stacked and math.isfinite(y):
                    heights[x, y < 0] = low + y
        return ends

    def _bar_width(self) -> float:
        """Width of the bars at one place, in units of x."""
        if self._names:
            return 0.8
        xs = sorted({self._number(x) for series in self._bars for x in series.xs})
        return 0.9 * min((right - left for left, right in itertools.pairwise(xs)), default=1.0)

    def _marks(self, index: int, series: Series, color: str) -> str:
        xs = list(map(self._number, series.xs))
        match series.mark:
            case "bar":
                return self._rectangles(index, series, xs, color)
            case "area":
                return self._area(index, xs, color)
            case "line":
                path = self._path(xs, series.ys)
                return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
            case "point":
                return self._dots(xs, series.ys, color)
            case _:
                assert_never(series.mark)

    def _dots(self, xs: Sequence[float], ys: Sequence[float], color: str) -> str:
        made = []
        for x, y in zip(xs, ys, strict=True):
            if math.isfinite(x + y):
                left, top = self._point(x, y)
                made.append(
                    f'<circle cx="{left:.1f}" cy="{top:.1f}" r="3.5" fill="{color}" '
                    'fill-opacity=".8"/>'
                )
        return "".join(made)

    def _area(self, index: int, xs: Sequence[float], color: str) -> str:
        places: list[float] = []
        upper: list[float] = []
        lower: list[float] = []
        for x, (low, high) in zip(xs, self._bases[index], strict=True):
            if math.isfinite(x + high):
                places.append(x)
                upper.append(high)
                lower.append(low)
        if not places:
            return ""
        path = self._path(places + places[::-1], upper + lower[::-1])
        return f'<path d="{path}Z" fill="{color}" fill-opacity=".6"/>'

    def _path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        """Return the path of a line, which has a gap where there is no number."""
        made, pen = [], "M"
        for x, y in zip(xs, ys, strict=True):
            if not math.isfinite(x + y):
                pen = "M"
                continue
            left, top = self._point(x, y)
            made.append(f"{pen}{left:.1f} {top:.1f}")
            pen = "L"
        return "".join(made)

    def _rectangles(self, index: int, series: Series, xs: list[float], color: str) -> str:
        width, offset = self._bar_width(), 0.0
        if not self._chart.stacked:
            beside = len(self._bars)
            width /= beside
            offset = (self._bars.index(series) - (beside - 1) / 2) * width
        made = []
        for x, (low, high) in zip(xs, self._bases[index], strict=True):
            if math.isfinite(x + high):
                left, top = self._point(x + offset - width / 2, high)
                right, bottom = self._point(x + offset + width / 2, low)
                made.append(
                    f'<rect x="{min(left, right):.1f}" y="{min(top, bottom):.1f}" '
                    f'width="{abs(right - left):.1f}" height="{abs(bottom - top):.1f}" '
                    f'fill="{color}"/>'
                )
        return "".join(made)


def _pie(chart: Chart) -> str:
    series = chart.series[0]
    slices = [
        (str(name), value)
        for name, value in zip(series.xs, series.ys, strict=True)
        if math.isfinite(value) and value > 0
    ]
    total = sum(value for _, value in slices)
    made, entries, angle = [], [], 0.0
    for index, (name, value) in enumerate(slices):
        color = PALETTE[index % len(PALETTE)]
        share = value / total
        made.append(_slice(angle, share, color))
        entries.append((f"{name} {share:.0%}", color))
        angle += math.tau * value / total
    return "".join(made) + _legend(entries)


def _slice(angle: float, share: float, color: str) -> str:
    """Return a slice of a pie that begins at that angle, clockwise from the top."""
    x, y, radius = _WIDTH * 0.42, (_HEIGHT + 20) / 2, 150
    if share == 1:  # an arc that ends where it begins is none
        return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}"/>'
    end = angle + math.tau * share
    left, top = x + radius * math.sin(angle), y - radius * math.cos(angle)
    right, bottom = x + radius * math.sin(end), y - radius * math.cos(end)
    is_large = int(share > 0.5)
    return (
        f'<path d="M{x} {y}L{left:.1f} {top:.1f}A{radius} {radius} 0 {is_large} 1 '
        f'{right:.1f} {bottom:.1f}Z" fill="{color}" stroke="#fff"/>'
    )


def _legend(entries: list[tuple[str, str]]) -> str:
    named = [entry for entry in entries if entry[0]]
    if len(named) > _MAX_LEGEND:
        named = [*named[: _MAX_LEGEND - 1], (f"… {len(named) - _MAX_LEGEND + 1} more", "none")]
    left = _WIDTH - _LEGEND + 16
    made = []
    for at, (name, color) in enumerate(named):
        y = _TOP + 6 + 18 * at
        made.append(f'<rect x="{left}" y="{y - 6}" width="12" height="12" fill="{color}"/>')
        made.append(_text(left + 18, y + 4, name, anchor="start"))
    return "".join(made)


def _text(
    x: float, y: float, text: str, *, anchor: str = "middle", size: int = 12, turn: int = 0
) -> str:
    # XML has no control characters
    text = "".join(filter(str.isprintable, text[: 8 * _LABEL_CHARS]))
    if not text:
        return ""
    # A text at the side of the plot has less space than one that stands in the middle.
    max_chars = _LABEL_CHARS
    if anchor == "middle":
        max_chars = 4 * _LABEL_CHARS
    if len(text) > max_chars:
        text = f"{text[: max_chars - 1]}…"
    turned = ""
    if turn:
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"'
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{turned}>'
        f"{html.escape(text)}</text>"
    )
