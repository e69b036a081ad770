"""Agents of a configuration, asked over HTTP: their tools, their memory and their deliveries are
those of the file.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.printed_configurations import HECTOR
from agent.server import Server as ModelServer
from agent.server import chat

import nbagent
from nbagent.server import serve


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that serves the agents of a YAML text, whose model gives the replies."""

    @contextmanager
    def function(text: str, *replies: Any) -> Iterator[tuple[httpx2.Client, ModelServer]]:
        (tmp_path / "config.yaml").write_text(text)
        with ModelServer(*replies) as model:
            monkeypatch.setenv("NBAGENT_MODEL", "test-1")
            monkeypatch.setenv("OPENAI_BASE_URL", model.base_url)
            monkeypatch.setenv("OPENAI_API_KEY", "none")
            agents = nbagent.load_agents(tmp_path / "config.yaml")
            with (
                serve(agents, port=0) as server,
                httpx2.Client(base_url=server.url, timeout=20) as client,
            ):
                yield client, model

    return function


def chunks(response: httpx2.Response) -> list[str]:
    lines = [
        line.removeprefix("data: ")
        for line in response.text.splitlines()
        if line.startswith("data: ")
    ]
    assert lines.pop() == "[DONE]"
    return [json.loads(line)["chunk"] for line in lines]


def test_hectors_support_agent_searches_and_asks_the_other_agent_of_the_file(
    serving: Any, tmp_path: Path
) -> None:
    (tmp_path / "refunds.md").write_text("A refund takes five days.\n")
    text = HECTOR["support"] + HECTOR["chat"].replace("agents:", "")
    replies = [
        chat(
            calls=[
                ("c1", "search", '{"query": "refund"}'),
                ("c2", "agent_call", '{"agent": "chatbot", "message": "Hi?"}'),
            ]
        ),
        chat("Hello from the bot."),
        chat("Five days."),
    ]
    with serving(text, *replies) as (client, model):
        response = client.post("/agents/support/messages/stream", json={"message": "How long?"})
    assert "".join(chunks(response)).endswith("\nFive days.")
    found, answered = [
        each["content"] for each in model.bodies[2]["messages"] if each["role"] == "tool"
    ]
    assert "A refund takes five days." in found
    assert answered == "Hello from the bot."


def test_hectors_chatbot_remembers_as_many_messages_as_the_file_says(serving: Any) -> None:
    with serving(HECTOR["chat"], *(chat(f"a{number}") for number in range(12))) as (client, model):
        session = client.post("/agents/chatbot/sessions").json()["session_id"]
        for number in range(12):
            client.post(
                f"/agents/chatbot/sessions/{session}/messages/stream",
                json={"message": f"p{number}"},
            )
    said = [each["content"] for each in model.bodies[11]["messages"]]
    assert said == [text for number in range(2, 11) for text in (f"p{number}", f"a{number}")] + [
        "p11"
    ]


def test_hectors_coder_writes_no_file_for_a_remote_caller_that_was_not_allowed(
    serving: Any, tmp_path: Path
) -> None:
    writing = chat(calls=[("c1", "write_file", '{"path": "main.py", "content": "print(1)"}')])
    with serving(HECTOR["code"], writing, chat("Written.")) as (client, _):
        with client.stream(
            "POST", "/agents/coder/messages/stream", json={"message": "Write it."}
        ) as response:
            run = response.headers["x-run-id"]
            with client.stream("GET", f"/runs/{run}/events") as events:
                next(line for line in events.iter_lines() if '"type":"approval.request"' in line)
            before = [path.name for path in tmp_path.iterdir()]
            client.post(f"/runs/{run}/answers", json={"id": "tool-1"}).raise_for_status()
            response.read()
    assert before == ["config.yaml"]
    assert (tmp_path / "main.py").read_text() == "print(1)"
    assert "".join(chunks(response)).endswith("Written.")


def test_a_tool_that_the_file_allows_is_called_without_asking(serving: Any, tmp_path: Path) -> None:
    writing = chat(calls=[("c1", "write_file", '{"path": "main.py", "content": "print(1)"}')])
    config = HECTOR["code"].replace(
        'tools: ["write_file"', 'allow: [write_file]\n            tools: ["write_file"'
    )
    with serving(config, writing, chat("Written.")) as (client, _):
        response = client.post("/agents/coder/messages/stream", json={"message": "Write it."})
    assert (tmp_path / "main.py").read_text() == "print(1)"
    assert "".join(chunks(response)).endswith("Written.")


def test_hectors_custom_agent_sends_chunks_of_the_size_that_the_file_says(serving: Any) -> None:
    with serving(HECTOR["customization"], chat("one two ", "three four five six")) as (client, _):
        response = client.post("/agents/custom/messages/stream", json={"message": "Count."})
    assert chunks(response) == ["one two th", "ree four f", "ive six"]
