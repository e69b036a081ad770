"""Simple charts as SVG: lines, points, areas and bars over two axes, and pies.

Nothing in the markup runs or is loaded.
"""

import datetime
import html
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

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
    body = _pie(chart) if chart.pie else _Plot(chart).svg()
    title = _text(_WIDTH / 2, 24, chart.title, size=15) if chart.title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#333"><rect width="100%" height="100%" '
        f'fill="#fff"/>{title}{body}</svg>'
    )


class _Plot:
    """Writer of a chart with two axes."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._names = {name: index for index, name in enumerate(chart.categories)}
        self._bars = [series for series in chart.series if series.mark == "bar"]
        self._bases = self._stack()
        self._right = _WIDTH - (_LEGEND if any(series.name for series in chart.series) else _RIGHT)
        ys = self._finite_ys()
        self._y_ticks = _ticks(min(ys, default=0.0), max(ys, default=1.0))
        if self._names:
            self._x_range, self._x_ticks = (-0.5, len(self._names) - 0.5), []
            return
        numbers = itertools.chain.from_iterable(series.xs for series in chart.series)
        xs = list(filter(math.isfinite, map(self._number, numbers)))
        ticks = _date_ticks if chart.dates else _ticks
        self._x_ticks = ticks(min(xs, default=0.0), max(xs, default=1.0))
        half = self._bar_width() / 2 if self._bars else 0
        self._x_range = (
            min([self._x_ticks[0], *(x - half for x in xs)]),
            max([self._x_ticks[-1], *(x + half for x in xs)]),
        )

    def _finite_ys(self) -> list[float]:
        """Return all that the y axis must reach: values, sums of a stack, the foot of bars."""
        ys = [y for series in self._chart.series for y in series.ys]
        for tops in self._bases.values():
            ys += itertools.chain.from_iterable(tops)
        if any(series.mark in ("bar", "area") for series in self._chart.series):
            ys.append(0.0)
        return list(filter(math.isfinite, ys))

    def svg(self) -> str:
        """Return the axes, the marks and the legend."""
        chart, across = self._chart, self._chart.horizontal
        frame = self._axis(across, chart.x_title, self._x_labels()) + self._axis(
            not across,
            chart.y_title,
            [(self._place(y, *self._y_range, not across), _number_label(y)) for y in self._y_ticks],
        )
        marks = "".join(self._marks(index, series) for index, series in enumerate(chart.series))
        return (
            frame
            + marks
            + _legend([(series.name, _color(series, at)) for at, series in enumerate(chart.series)])
        )

    @property
    def _y_range(self) -> tuple[float, float]:
        return self._y_ticks[0], self._y_ticks[-1]

    def _number(self, x: Coordinate) -> float:
        return float(self._names.get(str(x), math.nan)) if self._names else float(x)

    def _place(self, value: float, low: float, high: float, upwards: bool) -> float:
        """Return the pixel of a value on the vertical or the horizontal axis."""
        share = (value - low) / ((high - low) or 1.0)
        if upwards:
            return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)
        return _LEFT + share * (self._right - _LEFT)

    def _point(self, x: float, y: float) -> tuple[float, float]:
        across = self._chart.horizontal
        along, aside = (
            self._place(x, *self._x_range, across),
            self._place(y, *self._y_range, not across),
        )
        return (aside, along) if across else (along, aside)

    def _x_labels(self) -> list[tuple[float, str]]:
        across = self._chart.horizontal
        if not self._names:
            label = (
                _DateLabel(self._x_ticks[-1] - self._x_ticks[0])
                if self._chart.dates
                else _number_label
            )
            return [(self._place(x, *self._x_range, across), label(x)) for x in self._x_ticks]
        step = -(-len(self._names) // _MAX_LABELS)
        return [
            (self._place(at, *self._x_range, across), name)
            for name, at in self._names.items()
            if at % step == 0
        ]

    def _axis(self, upwards: bool, title: str, labels: list[tuple[float, str]]) -> str:
        right, bottom = self._right, _HEIGHT - _BOTTOM
        made = []
        for at, label in labels:
            if upwards:
                made.append(
                    f'<path d="M{_LEFT} {at:.1f}H{right}" '
                    f'stroke="#ddd"/>{_text(_LEFT - 6, at + 4, label, anchor="end")}'
                )
            else:
                made.append(
                    f'<path d="M{at:.1f} {bottom}v4" stroke="#888"/>{_text(at, bottom + 18, label)}'
                )
        if upwards:
            return "".join(made) + _text(16, (_TOP + bottom) / 2, title, turn=-90)
        return (
            "".join(made)
            + f'<path d="M{_LEFT} {bottom}H{right}" stroke="#888"/>'
            + _text((_LEFT + right) / 2, _HEIGHT - 22, title)
        )

    def _stack(self) -> dict[int, list[tuple[float, float]]]:
        """Return the lower and upper ends of the bars and areas, by the series' index."""
        ends: dict[int, list[tuple[float, float]]] = {}
        heights: dict[tuple[Coordinate, bool], float] = {}
        for index, series in enumerate(self._chart.series):
            if series.mark not in ("bar", "area"):
                continue
            ends[index] = []
            for x, y in zip(series.xs, series.ys, strict=True):
                key = (x, y < 0)
                low = heights.get(key, 0.0) if self._chart.stacked else 0.0
                ends[index].append((low, low + y))
                if math.isfinite(y):
                    heights[key] = low + y
        return ends

    def _bar_width(self) -> float:
        """Width of the bars at one place, in units of x."""
        if self._names:
            return 0.8
        xs = sorted({self._number(x) for series in self._bars for x in series.xs})
        return 0.9 * min((right - left for left, right in itertools.pairwise(xs)), default=1.0)

    def _marks(self, index: int, series: Series) -> str:
        color = _color(series, index)
        xs = [self._number(x) for x in series.xs]
        if series.mark == "bar":
            return self._rectangles(index, series, xs, color)
        drawn = [
            (x, y)
            for x, y in zip(xs, series.ys, strict=True)
            if math.isfinite(x) and math.isfinite(y)
        ]
        if series.mark == "point":
            dots = [self._point(x, y) for x, y in drawn]
            return "".join(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}" fill-opacity=".8"/>'
                for x, y in dots
            )
        if series.mark == "line":
            gaps = [
                (x, y) if math.isfinite(x) and math.isfinite(y) else None
                for x, y in zip(xs, series.ys, strict=True)
            ]
            return f'<path d="{self._path(gaps)}" fill="none" stroke="{color}" stroke-width="2"/>'
        ends = [
            (x, low, high)
            for x, (low, high) in zip(xs, self._bases[index], strict=True)
            if math.isfinite(x + high)
        ]
        outline = [(x, high) for x, _, high in ends] + [(x, low) for x, low, _ in reversed(ends)]
        return (
            f'<path d="{self._path(outline)}Z" fill="{color}" fill-opacity=".6"/>' if ends else ""
        )

    def _path(self, points: Sequence[tuple[float, float] | None]) -> str:
        made, pen = [], "M"
        for point in points:
            if point is None:
                pen = "M"
                continue
            x, y = self._point(*point)
            made.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
        return "".join(made)

    def _rectangles(self, index: int, series: Series, xs: list[float], color: str) -> str:
        beside = 1 if self._chart.stacked else len(self._bars)
        width = self._bar_width() / beside
        offset = (
            0.0 if self._chart.stacked else (self._bars.index(series) - (beside - 1) / 2) * width
        )
        made = []
        for x, (low, high) in zip(xs, self._bases[index], strict=True):
            if math.isfinite(x + high):
                (left, top), (right, bottom) = (
                    self._point(x + offset + side, y)
                    for side, y in ((-width / 2, high), (width / 2, low))
                )
                made.append(
                    f'<rect x="{min(left, right):.1f}" y="{min(top, bottom):.1f}" '
                    f'width="{abs(right - left):.1f}" '
                    f'height="{abs(bottom - top):.1f}" fill="{color}"/>'
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
    x, y, radius, turn = _WIDTH * 0.42, (_HEIGHT + 20) / 2, 150, 0.0
    made = []
    for at, (_, value) in enumerate(slices):
        color = PALETTE[at % len(PALETTE)]
        ends = [
            (x + radius * math.sin(angle), y - radius * math.cos(angle))
            for angle in (turn, turn + math.tau * value / total)
        ]
        if value == total:
            made.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{color}"/>')
        else:
            (left, top), (right, bottom) = ends
            made.append(
                f'<path d="M{x} {y}L{left:.1f} {top:.1f}A{radius} {radius} 0 '
                f"{int(value > total / 2)} 1 "
                f'{right:.1f} {bottom:.1f}Z" '
                f'fill="{color}" stroke="#fff"/>'
            )
        turn += math.tau * value / total
    named = [
        (f"{name} {value / total:.0%}", PALETTE[at % len(PALETTE)])
        for at, (name, value) in enumerate(slices)
    ]
    return "".join(made) + _legend(named)


def _legend(entries: list[tuple[str, str]]) -> str:
    named = [entry for entry in entries if entry[0]]
    if len(named) > _MAX_LEGEND:
        named = [*named[: _MAX_LEGEND - 1], (f"… {len(named) - _MAX_LEGEND + 1} more", "none")]
    made = []
    for at, (name, color) in enumerate(named):
        y = _TOP + 6 + 18 * at
        made.append(
            f'<rect x="{_WIDTH - _LEGEND + 16}" y="{y - 6}" width="12" height="12" fill="{color}"/>'
        )
        made.append(_text(_WIDTH - _LEGEND + 34, y + 4, name, anchor="start"))
    return "".join(made)


def _text(
    x: float, y: float, text: str, *, anchor: str = "middle", size: int = 12, turn: int = 0
) -> str:
    # XML has no control characters
    text = "".join(filter(str.isprintable, text[: 8 * _LABEL_CHARS]))
    short = f"{text[: 4 * _LABEL_CHARS - 1]}…" if len(text) > 4 * _LABEL_CHARS else text
    if anchor != "middle" and len(short) > _LABEL_CHARS:
        short = f"{short[: _LABEL_CHARS - 1]}…"
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return (
        (
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-size="{size}"{turned}>{html.escape(short)}</text>'
        )
        if text
        else ""
    )


def _color(series: Series, index: int) -> str:
    return html.escape(series.color) or PALETTE[index % len(PALETTE)]


_LEAST_RANGE = 1e-300
"""The smallest range that has round numbers in it: those of a smaller one underflow."""


def _ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers that cover the range."""
    if high - low < _LEAST_RANGE:
        half = 0.5 if abs(low) < _LEAST_RANGE else abs(low) / 2
        low, high = low - half, high + half
    raw = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * number, 12) for number in range(first, last + 1)]


def _date_ticks(low: float, high: float) -> list[float]:
    count = 5
    return (
        [low + (high - low) * number / count for number in range(count + 1)]
        if high > low
        else [low - 1, low + 1]
    )


class _DateLabel:
    """Label of a time, as exact as a span of seconds needs."""

    def __init__(self, span: float) -> None:
        formats = ((600, "%H:%M:%S"), (86_400, "%H:%M"), (5e8, "%Y-%m-%d"))
        self._format = next((form for limit, form in formats if span < limit), "%Y")

    def __call__(self, seconds: float) -> str:
        try:
            return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime(self._format)
        except (OverflowError, ValueError, OSError):
            return ""


def _number_label(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 1e7 or 0 < abs(value) < 1e-3 else f"{value:,.6g}"
