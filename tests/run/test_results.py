"""The results of a run: texts and errors as the state has them, and tables."""

import pandas as pd

from nbagent import events as e
from nbagent.errors import StreamError
from nbagent.gate import Gate
from nbagent.run import Run
from nbagent.run.results import RunResults
from nbagent.run.state import RunState

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


def test_results_need_no_stream() -> None:
    state = RunState("run-x", iter(()), Gate(), "mine")
    results = RunResults(state)
    assert (results.name, results.status, results.text, results.tools) == ("mine", "running", "", [])
    for event in [e.TextDelta(id="b", delta="Let me look."), *EVENTS]:
        state.add(event)
    assert (results.text, results.answer, [call.name for call in results.tools]) == (
        "Let me look.\n\nHi",
        "Hi",
        ["load", "fail"],
    )
    assert [(event.seq, event.run_id) for event in results.events] == [(n, "run-x") for n in range(1, len(EVENTS) + 2)]


def test_a_state_that_failed_has_the_streams_own_words() -> None:
    state = RunState("run-x", iter(()), Gate())
    results = RunResults(state)
    state.add(e.Error(message="Quota exceeded", code="429", fatal=True))
    before = results.error
    state.add(e.RunEnd(status="failed"))
    after = results.error
    assert before is None  # the stream may go on after such an error
    assert isinstance(after, StreamError)
    assert (str(after), after.code) == ("Quota exceeded", "429")
