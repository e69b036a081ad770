"""The results of a run: texts and errors as the state has them, and tables."""

import pickle
from collections.abc import Iterator

import httpx2
import pandas as pd
import pytest

from nbagent import events as e
from nbagent.errors import StreamError
from nbagent.gate import Gate
from nbagent.run import Run
from nbagent.run.lanes import Lanes
from nbagent.run.results import RunResults
from nbagent.run.state import RunState
from nbagent.sources.info import SourceInfo

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
    state = RunState("run-x", SourceInfo(), Gate(), "mine")
    results = RunResults(state)
    assert (results.name, results.status, results.text, results.tools) == (
        "mine",
        "running",
        "",
        [],
    )
    for event in [e.TextDelta(id="b", delta="Let me look."), *EVENTS]:
        state.add(event)
    assert (results.text, results.answer, [call.name for call in results.tools]) == (
        "Let me look.\n\nHi",
        "Hi",
        ["load", "fail"],
    )
    assert [(event.seq, event.run_id) for event in results.events] == [
        (n, "run-x") for n in range(1, len(EVENTS) + 2)
    ]


def test_a_state_that_failed_has_the_streams_own_words() -> None:
    state = RunState("run-x", SourceInfo(), Gate())
    results = RunResults(state)
    state.add(e.Error(message="Quota exceeded", code="429", fatal=True))
    before = results.error
    state.add(e.RunEnd(status="failed"))
    after = results.error
    assert before is None  # the stream may go on after such an error
    assert isinstance(after, StreamError)
    assert (str(after), after.code) == ("Quota exceeded", "429")


def test_a_call_that_may_still_come_is_missed_with_a_hint_to_wait() -> None:
    tools = RunResults(RunState("run-x", SourceInfo(), Gate())).tools
    with pytest.raises(
        IndexError,
        match=r"there is no tool call 0: 0 so far, and the run goes on: await run, or run.wait\(\)",
    ):
        tools[0]
    with pytest.raises(
        KeyError, match=r"no call of 'load'. Called were: none, and the run goes on"
    ):
        tools["load"]


def test_tools_are_found_by_name_and_listed_as_a_table() -> None:
    tools = ended().tools
    assert (tools["load"].result, tools[0].name, [call.name for call in tools[0:2]]) == (
        [1, 2],
        "load",
        ["load", "fail"],
    )
    with pytest.raises(
        KeyError, match=r"no call of 'laod'; did you mean 'load'\? Called were: load, fail"
    ):
        tools["laod"]
    with pytest.raises(KeyError, match=r"no call of 'nope'. Called were: load, fail"):
        tools["nope"]
    with pytest.raises(IndexError, match=r"there is no tool call 2: 2 so far$"):
        tools[2]
    assert repr(tools) == "0: <load(year=2025) output-available>\n1: <fail() output-error>"
    assert ">load</td>" in tools._repr_html_()
    assert ">year=2025</td>" in tools._repr_html_()
    assert "ValueError: no" in tools._repr_html_()


def test_what_a_model_writes_is_escaped_in_the_table() -> None:
    run = Run(
        iter([e.ToolStart(id="t", name="<script>"), e.ToolArgs(id="t", args={"q": "<img src=x>"})])
    )
    run.start()
    html = run.wait().tools._repr_html_()
    assert "<script>" not in html
    assert "<img" not in html


def test_the_streams_thread_is_known() -> None:
    run = Run(iter([e.RunStart(thread_id="session-7"), e.RunEnd(status="completed")]))
    assert run.thread_id is None
    run.start()
    assert run.wait().thread_id == "session-7"


def test_a_run_is_saved_and_not_pickled() -> None:
    with pytest.raises(TypeError, match=r"run\.save\(\"run\.jsonl\"\)"):
        pickle.dumps(ended())


# --- the conversation ---


def test_the_prompt_that_was_given_is_part_of_the_run() -> None:
    run = Run(iter(EVENTS), prompt="Load it.")
    run.start()
    run.wait()
    assert isinstance(run.events[0], e.Prompt)
    assert [block["text"] for block in run.snapshot() if block["kind"] == "prompt"] == ["Load it."]
    assert [message["role"] for message in run.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "assistant",
    ]
    assert run.messages[2]["content"] == "…"  # as the model got it
    assert [item.get("type", item.get("role")) for item in run.responses_input] == [
        "user",
        "function_call",
        "function_call_output",
        "function_call",
        "function_call_output",
        "assistant",
    ]


def test_what_is_hidden_or_secret_is_not_in_the_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "correct-horse")
    run = Run(
        iter([*EVENTS, e.TextEnd(id="b", text="correct-horse")]),
        prompt="correct-horse?",
        reveal="answer",
    )
    run.start()
    run.wait()
    assert run.messages == [
        {"role": "user", "content": "co•••••••••••?"},
        {"role": "assistant", "content": "Hi\n\nco•••••••••••"},
    ]


def test_each_lane_has_messages_of_its_own() -> None:
    first = [e.Prompt(text="A?"), e.TextEnd(id="t", text="A.")]
    second = [e.Prompt(text="B?"), e.TextEnd(id="t", text="B.")]
    run = Run(Lanes([iter(first), iter(second)]))
    run.start()
    run.wait()
    assert [[message["content"] for message in lane.messages] for lane in run.lanes] == [
        ["A?", "A."],
        ["B?", "B."],
    ]
    assert run.messages == []


def test_a_prompt_leaves_the_credentials_of_a_request_masked() -> None:
    """Credentials of a stream's request are known when its first item comes, also after a
    prompt.
    """

    class Stream:
        def __init__(self) -> None:
            request = httpx2.Request(
                "GET",
                "https://example.org",
                headers={"Authorization": "Bearer horse-battery-staple"},
            )
            self.response = httpx2.Response(200, request=request)

        def __iter__(self) -> Iterator[str]:
            yield "it is horse-battery-staple"

    run = Run(Stream(), prompt="What is it?")
    run.start()
    run.wait()
    assert "battery" not in run.text
