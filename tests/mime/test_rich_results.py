"""Results that people look at: charts, styled tables, pictures in bytes and in lists; and no
address of an object in any.
"""

import datetime
import importlib
import io
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import plotly.express as px
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mime.test_mime import FRAME, Page, figure, shell  # noqa: F401
from PIL import Image

from nbagent.mime import display_of, error_of, json_of, summary_of
from nbagent.mime.chart import Chart, Series, chart_svg
from nbagent.mime.parts import parts_of
from nbagent.mime.picture import IN_SCRIPT, PLOTLY
from nbagent.mime.plotly_chart import plotly_chart
from nbagent.mime.vega_lite_chart import vega_lite_chart

ROWS = pd.DataFrame(
    {
        "month": ["Jan", "Feb", "Jan"],
        "sales": [3.0, 4.5, 1.0],
        "region": ["north", "north", "south"],
    }
)
DAYS = pd.DataFrame({"day": pd.date_range("2025-01-01", periods=3), "sales": [1, 2, 3]})


def texts(svg: str) -> list[str]:
    return [
        each.text or ""
        for each in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def altair() -> Any:
    """Return Altair, which takes a second to import: for the tests of its charts only."""
    return importlib.import_module("altair")


def shapes(svg: str) -> dict[str, int]:
    names = [each.tag.rpartition("}")[2] for each in ElementTree.fromstring(svg).iter()]
    return {name: names.count(name) for name in ("rect", "path", "circle")}


# --- charts ---


@pytest.mark.parametrize("in_notebook", [False, True])
@pytest.mark.parametrize(
    "chart",
    [
        lambda: px.bar(ROWS, x="month", y="sales", color="region", title="Sales"),
        lambda: (
            altair()
            .Chart(ROWS, title="Sales")
            .mark_bar()
            .encode(x="month", y="sum(sales)", color="region")
        ),
    ],
    ids=["plotly", "altair"],
)
def test_a_chart_of_a_library_that_draws_by_script_is_a_picture(
    chart: Callable[[], Any], in_notebook: bool, request: pytest.FixtureRequest
) -> None:
    if in_notebook:
        request.getfixturevalue("shell")
    data = display_of(chart()).data
    assert "text/html" not in data  # nothing but scripts
    assert {"Sales", "Jan", "Feb", "month", "north", "south"} <= set(texts(data["image/svg+xml"]))


@pytest.mark.parametrize(
    "mime", ["application/vnd.plotly.v1+json", "application/vnd.vegalite.v5+json"]
)
def test_the_json_of_a_chart_is_drawn_whichever_object_it_comes_from(mime: str) -> None:
    plotly = px.line(DAYS, x="day", y="sales").to_plotly_json()
    spec = (
        plotly
        if "plotly" in mime
        else altair().Chart(DAYS).mark_line().encode(x="day:T", y="sales").to_dict()
    )

    class Result:
        def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
            return {mime: spec}

    assert "2025-01-01" in texts(display_of(Result()).data["image/svg+xml"])


@pytest.mark.parametrize(
    "chart",
    [
        lambda: px.box(ROWS, y="sales"),
        lambda: px.scatter(ROWS, x="sales", y="sales", facet_col="region"),
        lambda: px.bar(ROWS, x="month", y="sales", log_y=True),
        lambda: (
            altair().Chart(ROWS).mark_bar().encode(x=altair().X("sales", bin=True), y="count()")
        ),
        lambda: (
            altair()
            .Chart(ROWS)
            .mark_bar()
            .encode(x="month", y="sales")
            .transform_filter("datum.sales > 1")
        ),
        lambda: altair().Chart(ROWS).mark_rect().encode(x="month", y="region"),
    ],
    ids=["box", "facets", "log", "bins", "transform", "heat map"],
)
def test_a_chart_that_no_simple_picture_can_show_says_how_to_open_it(
    chart: Callable[[], Any],
) -> None:
    data = display_of(chart()).data
    assert [mime for mime in data if mime != PLOTLY] == ["text/plain"]
    assert data["text/plain"].endswith(IN_SCRIPT)


def test_html_that_shows_something_without_its_scripts_stays() -> None:
    assert (
        "text/html"
        in display_of(Page("<table><tr><td>1</td></tr></table><script>sort()</script>")).data
    )
    assert "text/html" not in display_of(Page("<div id=a></div><script>draw('#a')</script>")).data


@pytest.mark.parametrize(
    ("figure", "drawn"),
    [
        (lambda: px.line(DAYS, x="day", y="sales"), {"circle": 0, "rect": 1}),
        (lambda: px.line(DAYS, x="day", y="sales", markers=True), {"circle": 3, "rect": 1}),
        (lambda: px.scatter(ROWS, x="sales", y="sales"), {"circle": 3}),
        (lambda: px.bar(ROWS, x="month", y="sales"), {"rect": 1 + 3}),
        (lambda: px.bar(ROWS, y="month", x="sales", orientation="h"), {"rect": 1 + 3}),
        (lambda: px.histogram(pd.DataFrame({"n": [1, 1, 2, 9]}), x="n"), {"rect": 1 + 2}),
        (lambda: px.histogram(ROWS, x="month"), {"rect": 1 + 2}),
        (lambda: px.pie(ROWS, values="sales", names="region"), {"path": 3, "rect": 1 + 3}),
        (lambda: px.area(DAYS, x="day", y="sales"), {"circle": 0}),
    ],
)
def test_each_simple_chart_of_plotly_has_its_shapes(
    figure: Callable[[], Any], drawn: dict[str, int]
) -> None:
    chart = plotly_chart(json.loads(figure().to_json()))
    assert drawn.items() <= shapes(chart_svg(chart)).items()


def test_vega_lite_aggregates_and_layers_are_drawn() -> None:
    base = altair().Chart(ROWS).encode(x="month", y="mean(sales)")
    chart = vega_lite_chart((base.mark_line() + base.mark_point()).to_dict())
    assert [(each.mark, list(each.xs), list(each.ys)) for each in chart.series] == [
        ("line", ["Jan", "Feb"], [2.0, 4.5]),
        ("point", ["Jan", "Feb"], [2.0, 4.5]),
    ]
    assert list(chart.categories) == ["Feb", "Jan"]  # Vega-Lite sorts names


numbers = st.floats(-1e12, 1e12) | st.just(float("nan"))
series = st.builds(
    lambda mark, points, name, color: Series(
        mark, [x for x, _ in points], [y for _, y in points], name, color
    ),
    st.sampled_from(["line", "point", "area", "bar"]),
    st.lists(st.tuples(st.floats(-1e9, 1e9), numbers), max_size=6),
    st.text(max_size=30),
    st.sampled_from(["", "red", '"><script>']),
)


@given(
    st.lists(series, min_size=1, max_size=3),
    st.text(max_size=80),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_any_chart_is_well_formed_markup_without_scripts(
    drawn: list[Series], title: str, dates: bool, horizontal: bool, stacked: bool, pie: bool
) -> None:
    svg = chart_svg(Chart(drawn, title, title, title, (), dates, horizontal, stacked, pie))
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "nan" not in re.sub(r">[^<]*<", "><", svg)


@pytest.mark.parametrize("value", [0.0, 5e-324, -1e-310, 3.0])
def test_values_too_close_for_round_numbers_are_drawn(value: float) -> None:
    assert "<circle" in chart_svg(Chart([Series("point", [0, 1], [value, value + 5e-324], "", "")]))


# --- styled tables ---


def test_a_styled_table_keeps_its_data_and_its_colours() -> None:
    styler = ROWS.style.map(
        lambda value: "background-color: #ff0000; color: white", subset=["sales"]
    ).format(precision=1)
    display = display_of(styler)
    assert display.summary == "DataFrame 3×3"
    assert json_of(styler) == json_of(ROWS)
    assert display.data["text/plain"] == repr(ROWS)
    assert display.data["text/html"].count('style="background-color: #ff0000; color: white;"') == 3
    assert ">4.5</td>" in display.data["text/html"]


def test_nothing_random_is_in_a_styled_table() -> None:
    styler = ROWS.style.set_properties(color="red")
    assert display_of(styler) == display_of(ROWS.style.set_properties(color="red"))
    assert "T_" not in display_of(styler).data["text/html"]
    assert "<style" not in display_of(styler).data["text/html"]


# --- pictures, lists ---


def encoded(form: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, form)
    return file.getvalue()


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "webp"])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_an_encoded_picture_in_bytes_is_a_picture(form: str, kind: Any) -> None:
    value = kind(encoded(form))
    assert f"image/{form}" in display_of(value).data
    assert summary_of(value) == f"{form.upper()} image, {len(value)} bytes"
    assert json_of(value) == f"<{form.upper()} image, {len(value)} bytes>"


@pytest.mark.parametrize("in_notebook", [False, True])
@pytest.mark.parametrize(
    ("value", "types"),
    [
        ((FRAME, figure()), ["text/html", "image/png"]),
        ([FRAME, FRAME], ["text/html", "text/html"]),
        ([figure(), "and so on", [encoded("png")]], ["image/png", "text/plain", "image/png"]),
        ({"before": figure(), "n": 3}, ["text/plain", "image/png", "text/plain", "text/plain"]),
        ([1, {"a": 2}], []),
        ([figure] * 13, []),
        ({"a": [1, 2, 3]}, []),
    ],
)
def test_each_member_of_a_short_list_is_shown(
    value: Any, types: list[str], in_notebook: bool, request: pytest.FixtureRequest
) -> None:
    if in_notebook:
        request.getfixturevalue("shell")
    assert [next(iter(part)) for part in parts_of(display_of(value).data)] == types


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        ((FRAME, figure()), "DataFrame 1,204×2, Figure 640×480"),
        ([figure()], "Figure 640×480"),
        ([figure()] * 4, "list of 4"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_the_line_of_a_pair_names_both_if_each_is_shown(value: Any, summary: str) -> None:
    assert display_of(value).summary == summary


def test_a_coloured_cell_has_ink_that_is_read_in_a_dark_theme_too() -> None:
    table = display_of(ROWS.style.highlight_max(subset=["sales"], color="#ffe08a")).data[
        "text/html"
    ]
    assert 'style="background-color: #ffe08a; color: black;"' in table


def test_figures_are_shown_with_the_value_that_they_were_drawn_beside() -> None:
    alone = display_of(None, figures=[figure()])
    assert (list(alone.data), alone.summary, alone.data["text/plain"]) == (
        ["image/png", "text/plain"],
    ) + ("Figure 640×480",) * 2
    both = display_of("3 rows", figures=[figure(), figure()])
    assert [list(part) for part in parts_of(both.data)] == [
        ["text/plain"],
        ["image/png"],
        ["image/png"],
    ]
    assert both.summary == "'3 rows', Figure 640×480, Figure 640×480"
    assert both.data["text/plain"] == "3 rows"


# --- addresses ---

ADDRESS = re.compile(r"0x[0-9A-Fa-f]{6,}")


class Plain:
    def method(self) -> None: ...


def with_addresses() -> list[Any]:
    thing = Plain()
    grouped = ROWS.groupby("region")
    generator = (letter for letter in "a")
    made: list[Any] = [
        thing,
        thing.method,
        Plain.method,
        lambda: None,
        generator,
        grouped,
        np.ndarray.sum,
        object(),
    ]
    made += [
        Image.new("RGB", (2, 2)),
        iter([]),
        [].append,
        Plain.method.__code__,
        ROWS.style,
        datetime.datetime.now,
        f"{thing}",
    ]
    return made


@pytest.mark.parametrize("in_notebook", [False, True])
@pytest.mark.parametrize(
    "wrap", [lambda it: it, lambda it: [it], lambda it: {"a": it}, lambda it: (1, {2: [it]})]
)
def test_no_address_is_in_what_a_reader_or_a_model_sees(
    wrap: Any, in_notebook: bool, request: pytest.FixtureRequest
) -> None:
    if in_notebook:
        request.getfixturevalue("shell")
    for value in with_addresses():
        display = display_of(wrap(value))
        del display.data["image/png" if "image/png" in display.data else "text/plain"]
        assert not ADDRESS.search(repr(display)), display
        assert not ADDRESS.search(display_of(wrap(value)).data["text/plain"])
        assert not ADDRESS.search(json.dumps(json_of(wrap(value))))


def test_no_address_is_in_a_table_of_objects_or_in_an_error() -> None:
    thing = Plain()
    assert not ADDRESS.search(repr(display_of(pd.DataFrame({"a": [thing]}))))
    error = error_of(TypeError(f"cannot add {thing}"))
    assert error.message == f"cannot add <{Plain.__module__}.Plain object>"
    assert not ADDRESS.search(error.traceback or "")


@given(st.integers(2**24, 2**48), st.text(max_size=8), st.text(max_size=8))
def test_a_number_that_is_no_address_of_an_object_stays(
    number: int, before: str, after: str
) -> None:
    text = f"crashed at {number:#x}"
    assert display_of(text).data["text/plain"] == text
    assert json_of({"a": text}) == {"a": text}
    assert summary_of(f"<X at {number:#x}>") == "'<X>'"
