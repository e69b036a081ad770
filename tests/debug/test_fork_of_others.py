"""Forks of runs that wait, ask, hand over, are asked for an object, or were stopped."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agent.server import Server, refuse, say
from debug.scenes import REPLIES, difference, fetch_rates, finished, notes, rates_run
from debug.test_fork import blocks, fork_of

import nbagent
from nbagent.errors import ForkError
from nbagent.events import AgentHandoff, ToolResult
from nbagent.testing import play


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Take what forks print."""
    yield
    capsys.readouterr()


def test_a_run_that_goes_on_is_forked_at_what_it_has_done() -> None:
    with Server(*REPLIES[:2], lambda exchange: exchange.hold(), REPLIES[2]) as server:
        agent = nbagent.Agent("test-1", tools=[fetch_rates, difference], client=server.client())
        run = nbagent.Run(agent.stream("?"))
        run.start()
        for event in run.stream("tool.result"):
            if isinstance(event, ToolResult) and len(run.tools) == 3:
                break
        made = fork_of(run, "difference", result=1)
        assert not run.done
        assert str(made.answer) == "It rose by 0.01."
        run.cancel()
        run.wait(20)


def test_a_call_that_a_stop_broke_off_is_made_now() -> None:
    entered, calls = threading.Event(), []

    def slow(hours: int) -> str:
        """Take long."""
        calls.append(hours)
        entered.set()
        if len(calls) == 1:
            threading.Event().wait(5)
        return "slept"

    with Server(
        say("chat", "", [("c1", "slow", '{"hours": 1}')]), say("chat", "Good morning.")
    ) as server:
        run = nbagent.Run(nbagent.Agent("test-1", tools=[slow], client=server.client()).stream("?"))
        run.start()
        next(iter(run.stream("tool.args")))
        assert entered.wait(10)
        run.cancel()
        run.wait(20)
        assert run.tools[0].state == "cancelled"
        made = fork_of(run, run.tools[0])
    assert (made.tools[0].result, str(made.answer)) == ("slept", "Good morning.")


def test_a_question_that_was_answered_is_repeated_and_a_call_that_is_made_again_asks_again() -> (
    None
):
    asked: list[dict[str, Any]] = []

    @nbagent.tool(approve=True)
    def send(to: str) -> str:
        """Send."""
        return f"sent to {to}"

    def answer(question: Any) -> bool:
        asked.append(question.args)
        return True

    replies = [say("chat", "", [("c1", "send", '{"to": "a"}')]), say("chat", "Sent.")]
    with Server(*replies, replies[1], replies[1]) as server:
        agent = nbagent.Agent("test-1", tools=[send], client=server.client())
        run = finished(agent.stream("?"), answer=answer)
        later = fork_of(run, 2)
        assert asked == [{"to": "a"}]
        again = fork_of(run, "send", args={"to": "b"})
        assert asked == [{"to": "a"}, {"to": "b"}]
    assert blocks(later)[:2] == blocks(run)[:2]
    assert again.tools[0].result == "sent to b"


def test_an_agent_that_has_taken_over_goes_on() -> None:
    with Server(
        say("chat", "", [("c1", "transfer_to_expert", "{}")]),
        say("chat", "", [("c2", "fetch_rates", '{"year": 2024}')]),
        say("chat", "Expert: 1.09."),
        say("chat", "Expert: 5."),
    ) as server:
        expert = nbagent.Agent("test-2", tools=[fetch_rates], client=server.client(), name="expert")
        run = finished(
            nbagent.Agent("test-1", client=server.client(), name="clerk", handoffs=[expert]).stream(
                "?"
            )
        )
        made = fork_of(run, "fetch_rates", result=5)
        assert [body["model"] for body in server.bodies] == ["test-1", "test-2", "test-2", "test-2"]
    assert str(made.answer) == "Expert: 5."
    assert len([event for event in made.events if isinstance(event, AgentHandoff)]) == 1


def handed_over(server: Server, *tools: Any) -> nbagent.Run:
    """Return the run of a clerk who hands over to an expert, who calls a tool."""
    expert = nbagent.Agent(
        "test-2", "You know.", tools=tools, client=server.client(), name="expert"
    )
    clerk = nbagent.Agent(
        "test-1", "You ask.", client=server.client(), name="clerk", handoffs=[expert]
    )
    return finished(clerk.stream("?"))


TO_EXPERT = say("chat", "", [("c1", "transfer_to_expert", "{}")], number=1)
OF_EXPERT = say("chat", "", [("c2", "fetch_rates", '{"year": 2024}')], number=2)


@pytest.mark.parametrize(
    ("at", "changes", "model", "instructions", "output"),
    [
        ("fetch_rates", {}, "test-2", "You know.", '{"rate":1.09}'),
        ("fetch_rates", {"args": {"year": 2023}}, "test-2", "You know.", '{"rate":1.08}'),
        (3, {"instructions": "Be long."}, "test-2", "Be long.", '{"rate":1.09}'),
        (3, {"model": "test-3"}, "test-3", "You know.", '{"rate":1.09}'),
        (3, {"messages": lambda told: told}, "test-2", "You know.", '{"rate":1.09}'),
    ],
)
def test_what_is_changed_is_that_of_the_agent_that_has_taken_over(
    at: Any, changes: dict[str, Any], model: str, instructions: str, output: str
) -> None:
    with Server(TO_EXPERT, OF_EXPERT, say("chat", "1.09."), say("chat", "Again.")) as server:
        made = fork_of(handed_over(server, fetch_rates), at, **changes)
        body = server.bodies[3]
    assert str(made.answer) == "Again."
    messages = body["messages"]
    assert (body["model"], messages[0]["content"], messages[-1]["content"]) == (
        model,
        instructions,
        output,
    )


@pytest.mark.parametrize(
    ("changes", "output"), [({"args": {"year": 2023}}, '{"rate":1.08}'), ({"result": 5}, "5")]
)
def test_a_call_beside_a_hand_off_is_made_by_the_agent_that_hands_over(
    changes: dict[str, Any], output: str
) -> None:
    both = [("c1", "transfer_to_expert", "{}"), ("c2", "fetch_rates", '{"year": 2024}')]
    with Server(say("chat", "", both), say("chat", "1.09."), say("chat", "Again.")) as server:
        expert = nbagent.Agent("test-2", client=server.client(), name="expert")
        clerk = nbagent.Agent(
            "test-1", tools=[fetch_rates], client=server.client(), handoffs=[expert]
        )
        made = fork_of(finished(clerk.stream("?")), "fetch_rates", **changes)
        bodies = server.bodies
    told = [message["content"] for message in bodies[2]["messages"] if message["role"] == "tool"]
    assert [body["model"] for body in bodies] == ["test-1", "test-2", "test-2"]
    assert sorted(told) == sorted([output, "expert goes on with the conversation."])
    assert str(made.answer) == "Again."
    assert len([event for event in made.events if isinstance(event, AgentHandoff)]) == 1


def test_a_framework_makes_no_hand_off_beside_a_call_again() -> None:
    both = [("c1", "transfer_to_expert", "{}"), ("c2", "fetch_rates", '{"year": 2024}')]
    told: list[Any] = []

    def resume(messages: list[Any]) -> Iterator[str]:
        told.extend(messages)
        yield "Again."

    with Server(say("chat", "", both), say("chat", "1.09.")) as server:
        expert = nbagent.Agent("test-2", client=server.client(), name="expert")
        clerk = nbagent.Agent(
            "test-1", tools=[fetch_rates], client=server.client(), handoffs=[expert]
        )
        run = finished(clerk.stream("?"))
    made = fork_of(run, "fetch_rates", result=5, resume=resume)
    outputs = [message["content"] for message in told if message["role"] == "tool"]
    assert sorted(outputs) == ["5", "expert goes on with the conversation."]
    assert str(made.answer) == "Again."


def test_a_tool_of_the_agent_that_has_taken_over_is_not_called_twice_either() -> None:
    made: list[int] = []

    @nbagent.tool(once=True)
    def fetch_rates(year: int) -> int:
        """Fetch."""
        made.append(year)
        return year

    with Server(
        TO_EXPERT, OF_EXPERT, say("chat", "Done."), OF_EXPERT, say("chat", "Done.")
    ) as server:
        fork_of(handed_over(server, fetch_rates), 2)
    assert made == [2024]


def test_the_form_has_what_the_agent_that_has_taken_over_has() -> None:
    with Server(TO_EXPERT, OF_EXPERT, say("chat", "1.09.")) as server:
        run = handed_over(server, fetch_rates)
    forms = [run.fork_form(request=at).schema["properties"] for at in (1, 2, 3)]
    assert [(form["instructions"]["default"], form["model"]["default"]) for form in forms] == [
        ("You ask.", "test-1"),
        ("You know.", "test-2"),
        ("You know.", "test-2"),
    ]
    assert [form["prompt"]["default"] for form in forms] == ["?"] * 3


@dataclass
class Change:
    by: float


def test_the_form_of_the_answer_stays() -> None:
    answers = [say("chat", '{"by": 0.01}'), say("chat", '{"by": 3}')]
    with Server(REPLIES[0], answers[0], answers[1]) as server:
        agent = nbagent.Agent("test-1", tools=[fetch_rates, difference], client=server.client())
        run = finished(agent.stream("?", output=Change))
        made = fork_of(run, 2)
    assert (run.output, made.output) == (Change(0.01), Change(3))


def test_a_request_that_failed_is_sent_again() -> None:
    with Server(
        refuse(400, "no"), say("chat", "Now."), REPLIES[1], refuse(400, "no"), say("chat", "Then.")
    ) as server:
        agent = nbagent.Agent(
            "test-1", tools=[fetch_rates, difference], client=server.client(), api="chat"
        )
        agent._model._live_connection()._extras = {}  # the request is sent once
        first = finished(agent.stream("?"))
        assert first.status == "failed"
        assert str(fork_of(first).answer) == "Now."
        second = finished(agent.stream("?"))
        assert (second.status, len(second.tools)) == ("failed", 1)
        made = fork_of(second, 2)
        assert server.bodies[4]["messages"] == server.bodies[3]["messages"]
    assert str(made.answer) == "Then."
    assert made.tools[0].result == 0.01


def test_an_answer_that_was_corrected_is_repeated_with_its_correction() -> None:
    answers = [say("chat", "soon"), say("chat", '{"by": 1}'), say("chat", '{"by": 2}')]
    with Server(*answers) as server:
        agent = nbagent.Agent("test-1", client=server.client(), api="chat")
        run = finished(agent.stream("?", output=Change))
        assert len(server.bodies) == 2
        made = fork_of(run, 2)
        assert server.bodies[2]["messages"] == server.bodies[1]["messages"]
    assert made.output == Change(2)


def test_several_streams_at_once_are_no_run_to_fork() -> None:
    run = nbagent.show({"a": iter(["one"]), "b": iter(["two"])}, face="console").wait(20)
    with pytest.raises(ForkError, match="a run of several streams cannot be forked"):
        run.fork()


def test_an_agent_on_a_recording_is_forked_within_it() -> None:
    with Server(*REPLIES) as server:
        recording = rates_run(server)
    run = finished(
        nbagent.Agent(recording, tools=[fetch_rates, difference]).stream("How did the rate change?")
    )
    made = fork_of(run, "difference", result=7)
    assert str(made.answer) == "It rose by 0.01."
    assert notes(made) == ["Not as recorded: difference(first=1.08, second=1.09) was 0.01, is 7"]


def test_a_fork_is_kept_as_a_test_too(tmp_path: Path) -> None:
    with Server(*REPLIES, REPLIES[2]) as server:
        made = fork_of(rates_run(server), "difference", args={"second": 1.18})
    assert made.tools[2].result == 0.1
    text = Path(made.to_test(str(tmp_path / "test_fork.py"))).read_text()
    assert 'Call("difference", {"first": 1.08, "second": 1.18}, result=0.1)' in text
    space: dict[str, Any] = {}
    exec(compile(text, "test_fork.py", "exec"), space)
    space["test_fork"]()


def test_play_denies_what_it_has_no_answer_to() -> None:
    send = nbagent.tool(approve=True, name="send")(fetch_rates)
    with Server(say("chat", "", [("c1", "send", '{"year": 2024}')]), say("chat", "No.")) as server:
        run = play(nbagent.Agent("test-1", tools=[send], client=server.client()).stream("?"))
    assert run.tools[0].state == "output-denied"
