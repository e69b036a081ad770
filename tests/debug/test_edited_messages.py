"""`run.fork(messages=…)`: any message that the model was told is changed, of any role."""

from collections.abc import Iterator
from typing import Any

import pytest
from agent.server import Server, call, message, reasoning, responses, say
from debug.scenes import REPLIES, fetch_rates, finished, notes, rates_run

import nbagent
from nbagent.errors import ForkError


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Take what forks print, which are shown here as in a terminal."""
    yield
    capsys.readouterr()


def sent_by_fork(edit: Any, at: int = 3) -> tuple[list[Any], list[Any], nbagent.Run]:
    """Return the messages of the run's request, those of the fork's, and the fork."""
    with Server(*REPLIES, say("chat", "Now.")) as server:
        made = rates_run(server).fork(at, messages=edit, face="console").wait(20)
        return server.bodies[at - 1]["messages"], server.bodies[3]["messages"], made


@pytest.mark.parametrize("at", [1, 2, 3])
def test_without_a_change_the_request_is_the_same(at: int) -> None:
    recorded, sent, made = sent_by_fork(lambda told: told, at)
    assert sent == recorded
    assert notes(made) == []


@pytest.mark.parametrize(
    ("index", "role"), [(0, "system"), (1, "user"), (2, "assistant"), (3, "tool")]
)
def test_a_message_of_any_role_is_changed_and_named(index: int, role: str) -> None:
    def edit(told: list[dict[str, Any]]) -> None:
        told[index]["content"] = "other"

    recorded, sent, made = sent_by_fork(edit)
    assert sent == [
        {**each, "content": "other"} if number == index else each
        for number, each in enumerate(recorded)
    ]
    assert (recorded[index]["role"], notes(made)) == (
        role,
        [f"Message {index + 1} ({role}) was changed"],
    )


def test_messages_are_left_out_and_added() -> None:
    added = {"role": "user", "content": "Really?"}
    recorded, sent, made = sent_by_fork(lambda told: [*told[:2], added], at=3)
    assert sent == [*recorded[:2], added]
    assert notes(made)[0] == "Message 3 (assistant) was changed"
    whole = sent_by_fork(recorded)
    assert whole[0] == whole[1]


def test_what_only_the_responses_api_understands_stays_with_what_was_not_changed() -> None:
    first = responses(reasoning("Hm."), call("c1", "fetch_rates", '{"year": 2024}'))
    with Server(first, responses(message("One.")), responses(message("Two."))) as server:
        agent = nbagent.Agent(
            "test-1", tools=[fetch_rates], client=server.client(), api="responses"
        )

        def edit(told: list[dict[str, Any]]) -> None:
            told[-1]["content"] = "7"

        finished(agent.stream("?")).fork(2, messages=edit, face="console").wait(20)
        recorded, sent = server.bodies[1]["input"], server.bodies[2]["input"]
    assert sent[:-1] == recorded[:-1]
    assert sent[-1]["output"] == "7"


def test_what_was_hidden_is_not_in_the_line_of_a_change() -> None:
    with Server(*REPLIES, REPLIES[2]) as server:
        run = rates_run(server, hide={"*": "result"})
        made = run.fork(
            3, messages=lambda told: [*told[:-1], {**told[-1], "content": "secret"}], face="console"
        ).wait(20)
        assert server.bodies[3]["messages"][-1]["content"] == "secret"
    assert "secret" not in str(made.snapshot())


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ("text", "takes a list of messages"),
        ([5], "each message is a dict"),
        ([{"role": "system", "content": "x"}], "no message of the user"),
        ([{"role": "user"}], "needs 'role'"),
    ],
)
def test_what_are_no_messages_is_refused(messages: Any, told: str) -> None:
    with Server(*REPLIES) as server:
        run = rates_run(server)
        with pytest.raises(ForkError, match=told):
            run.fork(2, messages=messages)
        with pytest.raises(ForkError, match="before a response"):
            run.fork("difference", messages=[])
