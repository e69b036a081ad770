"""Values of real libraries as data, and values whose methods fail."""

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import math
import os
from collections import Counter, OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import matplotlib
import msgspec
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import HTML

from nbagent.events import Display, ToolResult, to_json
from nbagent.mime import display_of, error_of, json_of, summary_of
from nbagent.protocol.shared import MIME_BYTES

matplotlib.use("Agg")

FRAME = pd.DataFrame({"a": range(1204), "b": 1.5})


def figure() -> Any:
    from matplotlib.figure import Figure

    made = Figure(figsize=(6.4, 4.8), dpi=100)
    made.subplots().plot([1, 2, 3])
    return made


class Broken:
    """Object whose formatters all fail."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __str__(self) -> str:
        raise RuntimeError("no str")

    def _repr_html_(self) -> str:
        raise ValueError("no html")


class AnswersAnyName:
    """Has every attribute, as proxies do, with meaningless values."""

    shape = ("x",)

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self


class Page:
    def __init__(self, html: Any) -> None:
        self.html = html

    def _repr_html_(self) -> Any:
        return self.html


class Bundle:
    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return {"text/markdown": "**hi**", "image/png": b"\x89PNG", "application/x-odd": 1}, {
            "image/png": {"width": 1}
        }


@dataclasses.dataclass
class Point:
    x: int
    y: float = math.nan


class Model(pydantic.BaseModel):
    when: datetime.date = datetime.date(2026, 1, 2)


class Colour(enum.Enum):
    RED = "red"


Pair = namedtuple("Pair", "left right")


@pytest.fixture
def shell() -> Any:
    """Yield a running IPython, as in a notebook."""
    made = InteractiveShell.instance()
    yield made
    InteractiveShell.clear_instance()


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (FRAME, "DataFrame 1,204×2"),
        (FRAME["a"], "Series 1,204"),
        (np.zeros((3, 4)), "ndarray 3×4"),
        (figure(), "Figure 640×480"),
        ([1, 2, 3, 4], "[1, 2, 3, 4]"),
        ((1,), "(1,)"),
        ({"USD": 1.08, "CHF": np.float64(0.95)}, "{USD: 1.08, CHF: 0.95}"),
        ({"a b": None, "": True, "c:": [{"d": "x"}]}, "{a b: None, '': True, 'c:': [{d: 'x'}]}"),
        ({"a": [], "b": {}}, "{a: [], b: {}}"),
        (ENDLESS, "list of 1"),
        (list(range(100)), "list of 100"),
        ({"a": "x" * 60}, "dict with 1 key"),
        ({"a": object(), "b": 2, "c": 3}, "dict with 3 keys"),
        (Counter("ab"), "Counter with 2 keys"),
        (OrderedDict(), "empty OrderedDict"),
        ([], "empty list"),
        ("", "''"),
        ("a\nb", "'a b'"),
        ("\x1b[1m\x1b[32mPASSED\x1b[0m a.py", "'PASSED a.py'"),
        (HTML("<b>x</b>"), "HTML"),
        (object(), "object"),
        ("x" * 200, "'" + "x" * 77 + "…'"),
        (0, "0"),
        (False, "False"),
        (None, "None"),
        (2.5, "2.5"),
        (b"abc", "3 bytes"),
        (ValueError("no"), "ValueError: no"),
        (Pair(1, 2), "Pair(left=1, right=2)"),
        (pd.DataFrame, "<class 'pandas.DataFrame'>"),
        ([{"type": "text", "text": "sunny"}], "'sunny'"),
        pytest.param(10**5000, "int (no summary: ValueError)", id="huge"),
        (Broken(), "Broken (no summary: RuntimeError)"),
        ("\ud83d", r"'\ud83d'"),
    ],
)
def test_a_value_has_a_line_of_its_own(value: Any, summary: str) -> None:
    assert display_of(value).summary == summary


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_the_line_of_any_json_is_one_short_line(content: Any) -> None:
    summary = summary_of(content)
    assert 0 < len(summary) <= 90
    assert summary.splitlines() == [summary]


def test_a_large_json_is_summed_up_without_being_read() -> None:
    assert summary_of(["x" * 10_000_000] * 1000) == "list of 1,000"


# --- display ---


def test_a_frame_is_html_as_pandas_makes_it() -> None:
    data = display_of(FRAME).data
    assert data["text/html"] == FRAME._repr_html_()  # type: ignore[operator]
    assert data["text/plain"] == repr(FRAME)


def test_a_frame_in_a_notebook_is_what_the_notebook_shows(shell: Any) -> None:
    data = display_of(FRAME).data
    expected = shell.display_formatter.format(FRAME)[0]
    assert data["text/html"] == expected["text/html"]
    assert data["text/plain"] == expected["text/plain"]


@pytest.mark.parametrize("axes", [False, True])
def test_a_figure_is_a_picture_where_no_backend_is_set_up(axes: bool) -> None:
    made = figure()
    data = display_of(made.axes[0] if axes else made).data
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG\r\n")


def test_a_figure_is_a_picture_in_a_notebook_without_the_inline_backend(shell: Any) -> None:
    assert "image/png" in display_of(figure()).data


def test_a_bundle_keeps_the_types_that_can_be_shown() -> None:
    data = display_of(Bundle()).data
    assert data["text/markdown"] == "**hi**"
    assert base64.b64decode(data["image/png"]) == b"\x89PNG"
    assert "application/x-odd" not in data


def test_the_bundle_is_ordered_richest_first() -> None:
    assert list(display_of(Bundle()).data) == ["image/png", "text/markdown", "text/plain"]


def test_a_formatter_registered_with_the_notebook_is_used(shell: Any) -> None:
    shell.display_formatter.formatters["text/html"].for_type(
        Point, lambda point: f"<b>{point.x}</b>"
    )
    assert display_of(Point(7)).data["text/html"] == "<b>7</b>"


def test_a_value_that_displays_itself_is_not_displayed_here(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Shows(Page):
        def _ipython_display_(self) -> None:
            print("shown in the wrong place")

    assert display_of(Shows("<i>x</i>")).data["text/html"] == "<i>x</i>"
    assert capsys.readouterr().out == ""


def test_dicts_and_lists_are_json_too() -> None:
    assert display_of({"a": [1, math.nan, (2,)]}).data["application/json"] == {"a": [1, "NaN", [2]]}
    assert display_of([]).data["application/json"] == []


def test_a_text_is_itself() -> None:
    assert display_of("a\n'b'").data == {"text/plain": "a\n'b'"}


def test_a_rich_type_that_is_too_large_gives_way_to_the_next() -> None:
    html = "é" * (MIME_BYTES["text/html"] // 2)
    assert display_of(Page(html)).data["text/html"] == html
    assert list(display_of(Page(html + "x")).data) == ["text/plain"]
    assert list(
        display_of(Bundle(), limits={"image/png": 2, "text/markdown": 99, "text/plain": 99}).data
    ) == [
        "text/markdown",
        "text/plain",
    ]
    assert list(display_of(["x" * MIME_BYTES["application/json"]]).data) == ["text/plain"]


@given(st.text(min_size=1), st.integers(1, 200))
def test_the_head_of_a_long_text_is_kept_and_the_rest_counted(text: str, limit: int) -> None:
    shown = display_of(text, limits={"text/plain": limit}).data["text/plain"]
    head, mark, tail = shown.rpartition("\n… ")
    if shown == text:
        return
    assert mark
    assert text.startswith(head)
    assert len(head.encode()) <= limit
    assert tail.startswith(f"{len(text) - len(head):,} more character")


@pytest.mark.parametrize("in_notebook", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        Broken(),
        AnswersAnyName(),
        Page(object()),
        Page(None),
        Page,
        pytest.param(10**5000, id="huge"),
        [Broken()],
        {1: Broken()},
    ],
)
def test_no_value_can_break_its_display(
    value: Any, in_notebook: bool, request: pytest.FixtureRequest
) -> None:
    if in_notebook:
        request.getfixturevalue("shell")
    display = display_of(value)
    assert display.data["text/plain"]
    assert display.summary
    assert isinstance(
        json.loads(to_json(ToolResult(id="t", display=display, content=json_of(value)))), dict
    )


def test_a_failed_formatter_is_named() -> None:
    plain = display_of(Broken()).data["text/plain"]
    assert "_repr_html_ failed: ValueError: no html" in plain
    assert "its repr failed: RuntimeError" in plain


def test_a_cycle_has_an_end() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert isinstance(display_of(ring), Display)
    assert json_of(ring) == ["…"]


# --- JSON ---


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (Point(1), {"x": 1, "y": "NaN"}),
        (Model(), {"when": "2026-01-02"}),
        (msgspec.defstruct("S", [("a", int)])(1), {"a": 1}),
        (Pair(1, 2), {"left": 1, "right": 2}),
        ({1: {2}, None: ()}, {"1": [2], "None": []}),
        (Colour.RED, "red"),
        (datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC), "2026-01-02T03:00:00+00:00"),
        (decimal.Decimal("1.10"), "1.10"),
        (Path("a/b"), os.fspath(Path("a/b"))),
        (b"abc", "<3 bytes>"),
        (math.inf, "Infinity"),
        (True, True),
        ("", ""),
        (2**63, 2**63),
        (2**64, "0x10000000000000000"),
        (ValueError("no"), "ValueError: no"),
        (np.float32(1.5), 1.5),
        (np.int64(3), 3),
        (np.array(7), 7),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([1.0, math.nan, -math.inf]), [1.0, "NaN", "-Infinity"]),
        (np.array([b"x"]), ["<1 byte>"]),
        (pd.Timestamp("2026-01-02"), "2026-01-02"),
        (
            pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
            {
                "type": "DataFrame",
                "shape": [2, 2],
                "rows": [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
            },
        ),
        (
            pd.DataFrame({"g": ["x", "x"], "n": [1, 2]}).groupby("g").sum(),
            {"type": "DataFrame", "shape": [1, 1], "rows": [{"g": "x", "n": 3}]},
        ),
        (
            pd.DataFrame({"a": [1.5, math.nan], "b": ["x", None]}),
            {
                "type": "DataFrame",
                "shape": [2, 2],
                "rows": [{"a": 1.5, "b": "x"}, {"a": "NaN", "b": None}],
            },
        ),
        (
            pd.DataFrame({("fare", "mean"): [1.5], ("n", ""): [2]}),
            {"type": "DataFrame", "shape": [1, 2], "rows": [{"fare / mean": 1.5, "n": 2}]},
        ),
        (
            pd.Series([1, 2], index=["a", "b"]),
            {"type": "Series", "shape": [2], "values": {"a": 1, "b": 2}},
        ),
        (pd.DataFrame(), {"type": "DataFrame", "shape": [0, 0], "rows": []}),
        (np.zeros(0), []),
    ],
)
def test_a_model_sees_a_value_as_json(value: Any, content: Any) -> None:
    seen = json_of(value)
    assert seen == content
    assert type(seen) is type(content)


def test_a_large_frame_is_its_shape_and_its_head() -> None:
    seen = json_of(FRAME)
    assert seen["shape"] == [1204, 2]
    assert seen["rows"][:2] == [{"a": 0, "b": 1.5}, {"a": 1, "b": 1.5}]
    assert len(seen["rows"]) == 20
    assert seen["…"] == "1,184 more rows"
    assert json_of(np.zeros((100, 100)))["…"] == "9,800 more values"
    assert json_of(FRAME["a"])["…"] == "1,004 more values"


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        ("x" * 100_000, "… 83,616 more characters"),
        (["x" * 1000] * 100, "… 83 more items"),
        ({str(n): "x" * 1000 for n in range(100)}, "83 more keys"),
    ],
)
def test_what_is_cut_is_counted(value: Any, mark: str) -> None:
    assert mark in json.dumps(json_of(value), ensure_ascii=False)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300) | st.binary(),
    lambda s: st.lists(s) | st.dictionaries(st.text() | st.integers(), s) | st.tuples(s, s),
    max_leaves=60,
)


@given(ANY, st.integers(0, 300))
def test_json_for_a_model_is_bounded_and_strict(value: Any, limit: int) -> None:
    line = json.dumps(
        json_of(value, limit), allow_nan=False, ensure_ascii=False, separators=(",", ":")
    ).encode()
    assert len(line) <= limit + 700


# --- errors ---


def caught(action: Any) -> BaseException:
    try:
        action()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_an_error_is_its_class_its_message_and_its_traceback() -> None:
    def divide() -> None:
        1 / 0  # noqa: B018

    info = error_of(caught(divide))
    assert (info.type, info.message) == ("ZeroDivisionError", "division by zero")
    assert info.traceback is not None
    assert "in divide" in info.traceback
    assert info.traceback.endswith("ZeroDivisionError: division by zero\n")


def test_frames_of_nbagent_itself_are_not_shown() -> None:
    class Tricky:
        def __len__(self) -> int:
            raise ValueError("mine")

    limits: Any = Tricky()
    info = error_of(caught(lambda: display_of("x", limits=limits)))
    assert info.traceback is not None
    assert "nbagent/mime/" not in info.traceback
    assert "in caught" in info.traceback


def test_the_cause_and_the_members_of_an_error_are_told() -> None:
    def fail() -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ExceptionGroup("outer", [ValueError("member")]) from error

    text = error_of(caught(fail)).traceback or ""
    assert "KeyError: 'inner'" in text
    assert "ValueError: member" in text


def test_an_endless_error_is_cut() -> None:
    info = error_of(ValueError("x" * 1_000_000))
    assert len(info.message) < 5000
    assert info.message.endswith("more characters")
    assert len(info.traceback or "") < 17 * 1024


def test_an_error_without_a_readable_message_is_an_error() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert error_of(Mute()).message == "(its message cannot be read: RuntimeError)"
