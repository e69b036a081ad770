"""Pictures of values that have no `_repr_png_`: Matplotlib's figures, charts of plotly and Altair,
encoded images.
"""

import importlib.util
import io
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec

from nbagent.mime.chart import Chart, chart_svg
from nbagent.mime.chart_spec import NotSimple
from nbagent.mime.image import image_type
from nbagent.mime.plotly_chart import plotly_chart
from nbagent.mime.vega_lite_chart import vega_lite_chart

Ask: TypeAlias = Callable[[str, Callable[[], Any]], Any]
"""Calls a function that may fail, and notes the failure under a name."""

IN_SCRIPT = (
    "Its picture is drawn by a script, which no saved file runs. Open it from the call's result: "
    "run.tools[…].result"
)
"""Note for a value that has no picture without a script."""

_Reader: TypeAlias = Callable[[Mapping[str, Any]], Chart]

PLOTLY = "application/vnd.plotly.v1+json"
"""MIME type of a plotly figure, which a view may draw with plotly's own script."""
_VEGA_LITE = re.compile(r"application/vnd\.vegalite\.v\d+(?:\.\d+)*\+json")
_UNSEEN = re.compile(
    r"<(script|style|head|title)\b.*?</\1\s*>|<!--.*?-->|<[^<>]*>", re.DOTALL | re.IGNORECASE
)


def picture_of(value: Any, bundle: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """Return a picture of the value by its MIME type; empty if it has none.

    Args:
        value: anything.
        bundle: its MIME bundle so far.
        ask: calls what may fail.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _encoded_image(value)
    if isinstance(value, type):
        return {}
    figure = figure_of(value)
    if figure is None:
        return _chart_picture(value, bundle, ask)
    if "image/png" in bundle:
        return {}
    return _kept("image/png", ask("savefig", lambda: _png_of(figure)))


def _encoded_image(data: bytes | bytearray | memoryview) -> dict[str, Any]:
    mime = image_type(data)
    if not mime:
        return {}
    return {mime: bytes(data)}


def figure_of(value: Any) -> Any:
    """Return a Matplotlib figure, given itself, its axes, or an array of these; None for anything
    else.
    """
    if str(getattr(value, "dtype", "")) == "object" and hasattr(type(value), "flat") and value.size:
        value = value.flat[0]
    if hasattr(type(value), "get_figure") and not hasattr(type(value), "savefig"):
        value = value.get_figure()
    if hasattr(type(value), "savefig") and hasattr(value, "canvas"):
        return value
    return None


def is_drawn_by_script(html: str) -> bool:
    """Return True for HTML that shows nothing unless its scripts run."""
    lower = html.lower()
    if "<script" not in lower or "<img" in lower:
        return False
    return not _UNSEEN.sub("", html).strip()


def _chart_picture(value: Any, bundle: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """Return the picture by the library's own exporter, if that is installed; else a simple one, if
    that would be true.
    """
    kind = type(value)
    if hasattr(kind, "to_plotly_json") and hasattr(kind, "to_image"):
        return _plotly_picture(value, ask)
    if hasattr(kind, "to_dict") and hasattr(kind, "resolve_scale"):  # Altair's charts
        return _altair_picture(value, ask)
    for mime, spec in bundle.items():
        svg = ask("the chart", partial(_svg_of, _reader_of(mime), spec))
        if svg is not None:
            return {"image/svg+xml": svg}
    return {}


def _plotly_picture(figure: Any, ask: Ask) -> dict[str, Any]:
    spec = ask("the chart", lambda: msgspec.json.decode(figure.to_json()))
    png = None
    if importlib.util.find_spec("kaleido") is not None:
        png = ask("kaleido", lambda: figure.to_image(format="png"))
    if png:
        return {"image/png": png, **_kept(PLOTLY, spec)}
    svg = ask("the chart", lambda: _svg_of(plotly_chart, spec))
    return {**_kept("image/svg+xml", svg), **_kept(PLOTLY, spec)}


def _altair_picture(chart: Any, ask: Ask) -> dict[str, Any]:
    svg = None
    if importlib.util.find_spec("vl_convert") is not None:
        svg = ask("vl-convert", lambda: _saved_svg(chart))
    if not svg:
        svg = ask("the chart", lambda: _svg_of(vega_lite_chart, chart.to_dict()))
    return _kept("image/svg+xml", svg)


def _reader_of(mime: str) -> _Reader:
    if mime == PLOTLY:
        return plotly_chart
    if _VEGA_LITE.fullmatch(mime):
        return vega_lite_chart
    return _no_chart


def _no_chart(spec: Mapping[str, Any]) -> Chart:
    raise NotSimple


def _svg_of(reader: _Reader, spec: Any) -> str | None:
    """Return the simple picture of a specification; None if that would not be true."""
    if not isinstance(spec, dict):
        return None
    try:
        return chart_svg(reader(spec))
    except NotSimple:
        return None


def _saved_svg(chart: Any) -> str:
    file = io.StringIO()
    chart.save(file, format="svg")
    return file.getvalue()


def _png_of(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def _kept(mime: str, payload: Any) -> dict[str, Any]:
    if payload is None:
        return {}
    return {mime: payload}
