"""Parts of a finished call that are shown without a click: pictures, and the last table of each
list of calls.
"""

from datetime import date
from typing import Any, cast

import pytest

from nbagent import events as e
from nbagent.mime import display_of
from nbagent.transcript import Transcript
from nbagent.transcript.shape import is_told, shape_of

TABLE = {
    "text/html": "<style>…</style><TABLE border=1><tr><td>1</td></tr></TABLE>",
    "text/plain": "1",
}
PICTURE = {"image/png": "iVBO", "text/plain": "<Figure>"}
TEXT = {"text/plain": "a table of contents"}


@pytest.mark.parametrize(
    ("bundle", "shape"),
    [
        (TABLE, "table"),
        ({"text/html": ["<table>", "</table>"]}, "table"),
        (PICTURE, "picture"),
        ({"image/svg+xml": "<svg/>"}, "picture"),
        ({"application/vnd.vegalite.v5+json": {}, "text/plain": "Chart"}, "picture"),
        ({"text/html": "<p>a</p><img src='data:image/png;base64,iVBO'>"}, "picture"),
        ({"text/html": "<table></table><svg></svg>"}, "picture"),
        (TEXT, None),
        ({"text/html": "<p>some words</p>"}, None),
        ({"text/html": {"not": "a text"}}, None),
        ({"application/json": {"table": []}, "text/markdown": "*words*"}, None),
        ({"image/png": None, "text/plain": "no picture"}, None),
        ({}, None),
    ],
)
def test_a_bundle_is_a_picture_a_table_or_neither(
    bundle: dict[str, Any], shape: str | None
) -> None:
    assert shape_of(bundle) == shape


def in_row(args: Any, content: Any) -> list[str]:
    """Return the parts of a call that its row shows whole."""
    transcript = Transcript("test")
    transcript.feed(e.ToolStart(id="c", name="f"))
    transcript.feed(e.ToolArgs(id="c", args=args, args_text=""))
    transcript.feed(e.ToolResult(id="c", display=display_of(content)))
    parts: list[str] = transcript.snapshot()[-1].get("in_row", [])
    return parts


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ({"a": 19, "b": 23.5, "c": None, "d": "text", "e": [1, 2]}, True),
        ({}, True),
        (["north"], True),
        ({"code": "a = 1\nb = 2"}, False),
        ({"query": "x" * 41}, False),
        ({"rows": list(range(9))}, False),
        ({f"name_{number}": "twelve chars" for number in range(8)}, False),
        ({"huge": 10**400}, False),
        ("a command", False),
    ],
)
def test_arguments_that_the_row_cuts_or_puts_on_one_line_are_left_to_the_panel(
    args: Any, shown: bool
) -> None:
    assert ("arguments" in in_row(args, object())) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (42.0, True),
        (True, True),
        (None, True),
        ("", True),
        ("two words", True),
        ({"USD": 1.08, "CHF": 0.95}, True),
        ([0, 1, 2], True),
        ((1, 2), True),
        ("two\nlines", False),
        ("x" * 200, False),
        ([0] * 100, False),
        ({"a": float("nan")}, False),
        (date(2026, 1, 1), True),
        (10**400, False),
    ],
)
def test_a_result_that_its_summary_says_whole_is_not_said_again(value: Any, shown: bool) -> None:
    assert ("result" in in_row({"a": 1}, value)) == shown


def test_a_table_a_picture_and_what_is_longer_than_a_line_are_never_in_the_row() -> None:
    assert is_told("x" * 80, {"text/plain": "x" * 80})
    assert not is_told("x" * 81, {"text/plain": "x" * 81})
    assert not is_told("1", TABLE)
    assert not is_told("<Figure>", PICTURE)


def opened(*events: e.Envelope) -> dict[str, bool]:
    """Return the prop `open` of each call that has it."""
    transcript = Transcript("test")
    for event in events:
        transcript.feed(cast(e.Event, event))
    return {block["id"]: block["open"] for block in transcript.snapshot() if "open" in block}


def call(id: str, data: dict[str, Any], parent: str | None = None, **more: Any) -> list[e.Envelope]:
    result = e.ToolResult(id=id, display=e.Display(summary="", data=data), **more)
    return [e.ToolStart(id=id, name="f", parent_id=parent), result]


def test_every_picture_stays_open_and_of_the_tables_the_last() -> None:
    calls = [
        *call("a", TABLE),
        *call("b", PICTURE),
        *call("c", TABLE),
        *call("d", PICTURE),
        *call("e", TEXT),
    ]
    assert opened(*calls) == {"a": False, "b": True, "c": True, "d": True}


def test_agents_side_by_side_each_keep_their_last_table_open() -> None:
    agents = [e.AgentStart(id=name, name=name) for name in ("left", "right")]
    calls = [*call("a", TABLE, "left"), *call("b", TABLE, "right"), *call("c", TABLE, "left")]
    assert opened(*agents, *calls) == {"a": False, "b": True, "c": True}


@pytest.mark.parametrize("answer", [TEXT, TABLE])
def test_a_call_stays_open_around_the_picture_of_its_sub_agent(answer: dict[str, Any]) -> None:
    begun, ended = call("ask", answer)
    agent = e.AgentStart(id="geo", name="geo", tool_id="ask")
    assert opened(begun, agent, *call("a", TABLE, "geo"), ended) == {"a": True} | (
        {"ask": True} if answer is TABLE else {}
    )
    drawn = [begun, agent, *call("a", PICTURE, "geo"), ended]
    assert opened(*drawn) == {"ask": True, "a": True}
    assert opened(*drawn, *call("b", TABLE)) == {"ask": True, "a": True, "b": True}


def test_the_result_that_counts_is_the_last_one_of_a_call() -> None:
    assert opened(*call("a", PICTURE, preliminary=True)) == {}
    assert opened(*call("a", TABLE), *call("a", TEXT)[1:]) == {"a": False}
    assert opened(*call("a", TABLE), *call("a", TABLE)[1:]) == {"a": True}


def test_a_reader_opens_and_closes_all_panels_at_once() -> None:
    transcript = Transcript("test")
    for event in [
        e.Prompt(text="Go."),
        *call("a", TEXT),
        e.ReasoningStart(id="r"),
        e.TextStart(id="t"),
    ]:
        transcript.feed(cast(e.Event, event))
    assert transcript.toggle(None, True) == [
        ("set", "a", {"user_open": True}),
        ("set", "r", {"user_open": True}),
    ]
