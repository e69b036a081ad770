"""An agent on a recording: the model's words from there, the tools for real."""

from pathlib import Path
from typing import Any

import pytest
from agent.server import Server, say
from debug.scenes import REPLIES, difference, fetch_rates, finished, notes, rates_run

import nbagent
from nbagent.errors import NbagentError
from nbagent.events import RunEnd, TextDelta, TextEnd, TextStart, ToolArgs, ToolResult, ToolStart

PROMPT = "How did the rate change?"


@pytest.fixture
def recording(tmp_path: Path) -> str:
    """Return the path of a recorded run of three steps."""
    with Server(*REPLIES) as server:
        rates_run(server).save(str(tmp_path / "rates.jsonl"))
    return str(tmp_path / "rates.jsonl")


def test_each_request_gets_the_next_recorded_response_and_the_tools_are_called(
    recording: str,
) -> None:
    asked: list[int] = []

    @nbagent.tool(name="fetch_rates")
    def fetch(year: int) -> dict[str, float]:
        """Fetch the rates of a year."""
        asked.append(year)
        return fetch_rates(year)

    run = finished(
        nbagent.Agent(nbagent.replay(recording), tools=[fetch, difference]).stream(PROMPT)
    )
    assert (run.status, str(run.answer), sorted(asked)) == (
        "completed",
        "It rose by 0.01.",
        [2023, 2024],
    )
    assert [(call.name, call.args, call.result) for call in run.tools] == [
        ("fetch_rates", {"year": 2023}, {"rate": 1.08}),
        ("fetch_rates", {"year": 2024}, {"rate": 1.09}),
        ("difference", {"first": 1.08, "second": 1.09}, 0.01),
    ]
    assert [event.call_id for event in run.events if isinstance(event, ToolStart)] == [
        "c1",
        "c2",
        "c3",
    ]
    assert notes(run) == []
    assert run.usage.total is None  # no tokens are spent


def test_a_run_and_its_events_are_recordings_too(recording: str) -> None:
    events = nbagent.load(recording)
    first = finished(nbagent.Agent(events, tools=[fetch_rates, difference]).stream(PROMPT))
    second = finished(nbagent.Agent(first, tools=[fetch_rates, difference]).stream(PROMPT))
    assert str(first.answer) == str(second.answer) == "It rose by 0.01."


def test_a_result_that_differs_is_named_with_its_call(recording: str) -> None:
    def fetch_rates(year: int) -> dict[str, float]:
        """Fetch the rates of a year."""
        return {"rate": 2.5 if year == 2024 else 1.08}

    run = finished(
        nbagent.Agent(nbagent.replay(recording), tools=[fetch_rates, difference]).stream(PROMPT)
    )
    assert notes(run) == [
        'Not as recorded: fetch_rates(year=2024) was {"rate":1.09}, is {"rate":2.5}'
    ]


def test_a_difference_in_a_long_result_is_shown_where_it_is() -> None:
    def events(result: str) -> list[Any]:
        return [
            ToolStart(id="t", name="read"),
            ToolArgs(id="t", args={}, args_text="{}"),
            ToolResult(id="t", content=result),
            TextStart(id="a"),
            TextEnd(id="a", text="Done."),
        ]

    def read() -> str:
        """Read."""
        return "x" * 5000 + "new"

    run = finished(nbagent.Agent(events("x" * 5000 + "old"), tools=[read]).stream("?"))
    assert len(notes(run)[0]) < 300
    assert "xold, is …" in notes(run)[0]
    assert notes(run)[0].endswith("xnew")


def test_a_prompt_that_differs_is_told(recording: str) -> None:
    run = finished(
        nbagent.Agent(nbagent.replay(recording), tools=[fetch_rates, difference]).stream("And now?")
    )
    assert notes(run) == [f"Not as recorded: the prompt was {PROMPT}, is And now?"]


def test_beyond_the_end_the_run_fails_and_says_so(recording: str) -> None:
    cut = [event for event in nbagent.load(recording) if not isinstance(event, RunEnd)]
    last = max(index for index, event in enumerate(cut) if isinstance(event, ToolResult))
    run = finished(nbagent.Agent(cut[: last + 1], tools=[fetch_rates, difference]).stream(PROMPT))
    assert run.status == "failed"
    assert "has 2 responses of the model, and the run asks for number 3" in str(run.error)
    assert [call.state for call in run.tools] == ["output-available"] * 3


def test_a_live_model_goes_on_where_the_recording_ends(recording: str) -> None:
    cut = nbagent.load(recording)
    last = max(index for index, event in enumerate(cut) if isinstance(event, ToolResult))
    with Server(say("chat", "Live: 0.01.")) as server:
        agent = nbagent.Agent(
            [cut[: last + 1], "test-1"], tools=[fetch_rates, difference], client=server.client()
        )
        run = finished(agent.stream(PROMPT))
        assert len(server.bodies) == 1
        assert [message["role"] for message in server.bodies[0]["messages"]] == [
            "user",
            "assistant",
            "tool",
            "tool",
            "assistant",
            "tool",
        ]
    assert str(run.answer) == "Live: 0.01."
    assert notes(run) == ["recording ends here, after 2 responses of the model: test-1 goes on"]


def test_a_recording_of_another_framework_works_as_far_as_the_names_fit() -> None:
    """LangGraph, Pydantic AI and others have no steps, or number them otherwise."""
    events = [
        TextStart(id="a"),
        TextDelta(id="a", delta="Looking."),
        ToolStart(id="t1", name="fetch_rates", call_id="x"),
        ToolArgs(id="t1", args={"year": 2024}, args_text='{"year":2024}'),
        ToolResult(id="t1", content='{"rate": 1.09}'),
        ToolStart(id="t2", name="unknown", call_id="y"),
        ToolArgs(id="t2", args={}, args_text="{}"),
        ToolResult(id="t2", content="ok"),
        TextStart(id="b"),
        TextDelta(id="b", delta="Done."),
    ]
    run = finished(nbagent.Agent(events, tools=[fetch_rates]).stream("?"))
    assert str(run.answer) == "Done."
    assert run.tools[0].result == {"rate": 1.09}
    assert run.tools[1].error is not None
    assert len(notes(run)) == 1  # of `unknown`


def test_a_session_on_a_recorded_conversation_goes_through_its_prompts(tmp_path: Path) -> None:
    with Server(say("chat", "One."), say("chat", "Two.")) as server:
        session = nbagent.Agent("test-1", client=server.client()).session()
        path = tmp_path / "talk.jsonl"
        runs = [finished(session.stream("first")), finished(session.stream("second"))]
        nbagent.sources.recording.save([event for run in runs for event in run.events], path)
    session = nbagent.Agent(nbagent.load(path)).session()
    assert [str(finished(session.stream(text)).answer) for text in ("first", "second")] == [
        "One.",
        "Two.",
    ]


def test_a_tool_that_must_not_run_twice_is_taken_from_the_record(recording: str) -> None:
    @nbagent.tool(once=True)
    def fetch_rates(year: int) -> dict[str, float]:
        """Fetch the rates of a year."""
        raise AssertionError("called again")

    assert fetch_rates.once
    run = finished(
        nbagent.Agent(nbagent.replay(recording), tools=[fetch_rates, difference]).stream(PROMPT)
    )
    assert run.status == "completed"
    assert [call.result for call in run.tools][:2] == [{"rate": 1.08}, {"rate": 1.09}]
    assert (
        notes(run)
        == ["fetch_rates was not called again (once=True): its result is the recorded one"] * 2
    )


def test_so_is_one_of_an_agent_that_is_a_tool() -> None:
    paid: list[int] = []

    @nbagent.tool(once=True)
    def pay(amount: int) -> str:
        """Pay."""
        paid.append(amount)
        return "paid"

    task = say("chat", "", [("c1", "clerk", '{"task": "Pay 5."}')], number=1)
    call = say("chat", "", [("c1", "pay", '{"amount": 5}')], number=2)
    paid_up = say("chat", "Paid.")
    with Server(task, call, paid_up, say("chat", "Done."), call, paid_up) as server:
        client = server.client()
        clerk = nbagent.Agent("test-1", client=client, name="clerk", tools=[pay])
        run = finished(nbagent.Agent("test-1", client=client, tools=[clerk]).stream("Pay."))
        again = finished(nbagent.Agent(run, tools=[clerk]).stream("Pay."))
    assert [call.name for call in again.tools] == ["clerk", "pay"]
    assert paid == [5]


@pytest.mark.parametrize("wrong", [[], 5, None, ["a", "b", "c"]])
def test_what_is_no_recording_is_refused(wrong: Any) -> None:
    with pytest.raises(NbagentError, match=r"nbagent\.replay|no response of a model"):
        nbagent.Agent(wrong)


def test_the_body_that_a_service_sent_is_a_recording_too() -> None:
    asked: list[Any] = []
    path = Path(__file__).parents[1] / "recordings/openai_chat/chatlas-openrouter-tools.0.sse"
    first = finished(nbagent.replay(path))
    assert first.tools

    def take(**arguments: Any) -> str:
        asked.append(arguments)
        return "taken"

    tools = [
        nbagent.tool(name=name, description="Take.")(take)
        for name in dict.fromkeys(each.name for each in first.tools)
    ]
    run = finished(nbagent.Agent(nbagent.replay(path), tools=tools).stream("?"))
    assert len(asked) == len(first.tools)
    assert "has 1 response of the model, and the run asks for number 2" in str(run.error)
