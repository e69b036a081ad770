"""Calls that a model writes into its text are known by the names of the run's tools, wherever these
come from.
"""

import json
from typing import Any

import pytest
from agent.server import Server, chat
from run.requests.provider import Reply, provider

import nbagent
from nbagent.cli.streams import tags
from nbagent.run import Run
from nbagent.server import serve

INTRO = "Let me look.\n\n"
CALL = '[search(q="Zq")]'
ANSWER = "\n\nIt is 7 degrees."
TEXT = INTRO + CALL + ANSWER
CLEAN = ["Let me look.", "It is 7 degrees."]


def search(q: str) -> str:
    """Search."""
    return q


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def finished(source: Any, **options: Any) -> Run:
    run = Run(source, reveal="answer", **options)
    run.start()
    run.wait(20)
    return run


def chunks(text: str) -> list[Any]:
    found = [
        {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": char}}]}
        for char in text
    ]
    return [
        *found,
        {
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        },
    ]


def test_without_names_such_a_call_is_text() -> None:
    assert finished(iter(chunks(TEXT))).text == TEXT


@pytest.mark.parametrize("given", [["pythonic"], [("[search(", ")]", "tool")]])
def test_an_option_asks_for_it(given: Any) -> None:
    run = finished(iter(chunks(TEXT)), tags=given)
    assert lines(run.text) == CLEAN
    assert "Zq" not in run.to_html() + run.to_markdown()


def test_the_agents_own_tools_are_known() -> None:
    with Server(chat(*TEXT)) as server:
        agent = nbagent.Agent("test-1", client=server.client(), api="chat", tools=[search])
        run = finished(agent.stream("Hi"))
    assert lines(run.text) == CLEAN


def test_the_tools_of_a_request_are_known() -> None:
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks(TEXT)) + "data: [DONE]\n\n"
    tool = {"type": "function", "function": {"name": "search", "parameters": {}}}
    with provider(Reply((body.encode(),))) as service:
        asked = {"model": "test-1", "stream": True, "messages": [], "tools": [tool]}
        run = finished(nbagent.connect(f"{service.url}/v1/chat/completions", json=asked))
    assert lines(run.text) == CLEAN


async def test_a_structured_answer_is_no_call() -> None:
    written = '{"name": "search", "arguments": {}}'
    with Server(chat(written), chat(written)) as server:
        agent = nbagent.Agent("test-1", client=server.client(), api="chat")
        run = finished(agent.stream("Hi", output=dict[str, Any]))
        found = await agent.generate("Hi", output=dict[str, Any])
    assert run.text == written
    assert found == json.loads(written)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/agents/assistant/messages/stream", {"message": "Hi"}),
        (
            "/v1/chat/completions",
            {"model": "assistant", "stream": True, "messages": [{"role": "user", "content": "Hi"}]},
        ),
    ],
)
def test_a_served_agent_tells_its_clients_the_answer_only(path: str, body: Any) -> None:
    thought, call = (
        "[THINK]Zthought[/THINK]",
        '[TOOL_CALLS][{"name": "f", "arguments": {"q": "Zq"}}]',
    )
    leaking = f"{thought}Let me look.\n\n{call}\n\n<plan>Zplan</plan>"
    with Server(chat(*leaking, "It is 7 degrees.")) as model:
        agent = nbagent.Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0, reveal="answer", tags={"plan": "thought"}) as server:
            run = finished(nbagent.connect(server.url + path, json=body))
    assert "".join(lines(run.text)) == "".join(CLEAN)


def test_wrong_tags_are_refused_when_a_server_begins() -> None:
    with pytest.raises(ValueError, match="did you mean 'react'"):
        nbagent.asgi(nbagent.Agent("demo"), tags=["reakt"])


def test_the_command_line_takes_families_and_tags() -> None:
    assert tags("react, plan=thought") == ["react", ("<plan>", "</plan>", "thought")]
