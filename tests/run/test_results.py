"""A run as tables."""

import pandas as pd

from nbagent import events as e
from nbagent.run import Run

EVENTS: list[e.Event] = [
    e.ToolStart(id="t", name="load"),
    e.ToolArgs(id="t", args={"year": 2025}),
    e.ToolResult(id="t", content="…", value=e.Live([1, 2])),
    e.ToolStart(id="u", name="fail"),
    e.ToolResult(id="u", status="error", error=e.ErrorInfo(type="ValueError", message="no")),
    e.TextStart(id="a"),
    e.TextDelta(id="a", delta="Hi"),
    e.TextEnd(id="a"),
]


def ended() -> Run:
    run = Run(iter(EVENTS))
    run.start()
    return run.wait()


def test_events_are_rows() -> None:
    run = ended()
    table = run.events_df()
    assert list(table["type"]) == [e.type_of(event) for event in run.events]
    assert list(table["seq"]) == list(range(1, len(run.events) + 1))
    assert isinstance(table["ts"].dtype, pd.DatetimeTZDtype)
    assert table.loc[table["type"] == "text.delta", "delta"].item() == "Hi"


def test_tools_are_rows_with_their_live_results() -> None:
    table = ended().tools_df()
    assert list(table.columns) == ["name", "state", "seconds", "args", "result", "error"]
    assert table["name"].tolist() == ["load", "fail"]
    assert table["result"].tolist() == [[1, 2], None]
    assert table["error"][1]["message"] == "no"


def test_a_run_without_anything_has_empty_tables() -> None:
    run = Run(iter(()))
    run.start()
    run.wait()
    assert run.tools_df().empty
    assert list(run.events_df()["type"]) == [e.type_of(event) for event in run.events]
