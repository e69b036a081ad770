"""The list of runs, as web pages follow it."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from agent.server import Exchange
from agent.server import Server as ModelServer
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.gate import Gate
from nbagent.server.hosting.prompt import first_words


def hold(exchange: Exchange) -> None:
    exchange.begin()
    exchange.hold()


@pytest.mark.parametrize("kind", ["file", "redis"])
def test_a_page_at_one_process_is_told_of_the_runs_of_another(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = request.getfixturevalue("redis").url if kind == "redis" else str(tmp_path / "runs.db")
    with ModelServer(hold) as model, contextlib.ExitStack() as ends:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        here, elsewhere = (
            ends.enter_context(
                TestClient(nbagent.asgi(agent, store=store), base_url="http://localhost")
            )
            for _ in range(2)
        )
        with here.websocket_connect("ws://localhost/runs") as socket:
            assert socket.receive_json() == {"runs": [], "ended": []}
            run = {
                "id": elsewhere.post("/runs", json={"message": "x"}).json()["id"],
                "agent": "assistant",
                "prompt": "x",
            }
            assert socket.receive_json() == {"runs": [run], "ended": []} == here.get("/runs").json()
            assert here.post(f"/runs/{run['id']}/cancel").status_code == 202
            assert socket.receive_json() == {"runs": [], "ended": [run]} == here.get("/runs").json()


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("How many rows\n has  it?", "How many rows has it?"),
        ("long " * 40, "long " * 15 + "long…"),
        ([{"role": "user", "content": "First"}, {"role": "user", "content": "Then"}], "Then"),
        ("My key is sk-abcdefghijklmnopqrstuvwxyz0123456789", "My key is sk" + "•" * 37),
        ("", ""),
        (7, ""),
    ],
)
def test_a_run_is_listed_by_the_first_words_of_its_prompt(prompt: Any, words: str) -> None:
    assert first_words(prompt, Gate("tools")) == words
