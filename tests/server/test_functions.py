"""Functions from a prompt to a stream, served as agents are."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from server.served import Asking, asking
from server.test_endpoints import data_of
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.server import serve


def texts(prompt: str) -> Iterator[str]:
    """Repeat the prompt."""
    yield from ("You said: ", prompt)


async def async_texts(prompt: str) -> AsyncIterator[str]:
    for text in ("You said: ", prompt):
        await asyncio.sleep(0)
        yield text


async def made_later(prompt: str) -> Any:
    await asyncio.sleep(0)
    return [{"chunk": f"You said: {prompt}"}, "[DONE]"]


def slow(prompt: str) -> Any:
    time.sleep(0.01)
    return texts(prompt)


def said(client: Any, path: str, prompt: str) -> str:
    events = data_of(client.post(path, json={"message": prompt}))
    return "".join(each.get("chunk", "") for each in events if isinstance(each, dict))


@pytest.mark.parametrize("function", [texts, async_texts, made_later, slow, lambda p: texts(p)])
def test_whatever_show_takes_is_served(function: Any) -> None:
    with TestClient(nbagent.asgi(function), base_url="http://localhost") as client:
        name = client.get("/health").json()["agents"][0]
        assert name == ("agent" if function.__name__ == "<lambda>" else function.__name__)
        assert said(client, f"/agents/{name}/messages/stream", "x") == "You said: x"


def test_two_personas_are_one_run() -> None:
    replies = [chat("Know thyself."), chat("The good.")]
    with ModelServer(*replies, *replies) as model:
        agents = [
            Agent("test-1", f"You are {name}.", name=name, client=model.client(), api="chat")
            for name in ("Socrates", "Plato")
        ]

        async def personas(prompt: str) -> AsyncIterator[Any]:
            for agent in agents:
                async for event in agent.stream(prompt):
                    yield event

        with (
            serve(personas, port=0) as server,
            httpx2.Client(base_url=server.url, timeout=20) as client,
        ):
            made = client.post("/runs", json={"message": "What is good?"}).json()
            events = data_of(client.get(made["events"]))
            kinds = [each["type"] for each in events]
            assert (kinds.count("run.start"), kinds.count("run.end"), kinds[-1]) == (
                1,
                1,
                "run.end",
            )
            assert [each["text"] for each in events if each["type"] == "prompt"] == [
                "What is good?"
            ]
            whole = client.post("/chat", json={"input": "What is good?"}).json()
    assert whole == "Know thyself.\n\nThe good."
    assert "".join(each.get("delta", "") for each in events) == "Know thyself.The good."


def test_a_session_keeps_what_a_function_answers() -> None:
    seen: list[Any] = []

    def remembers(messages: list[Any]) -> Iterator[str]:
        seen.append([message["content"] for message in messages])
        yield f"Answer {len(seen)}."

    with TestClient(nbagent.asgi(remembers), base_url="http://localhost") as client:
        session = client.post("/agents/remembers/sessions").json()["session_id"]
        path = f"/agents/remembers/sessions/{session}/messages/stream"
        assert [said(client, path, text) for text in "ab"] == ["Answer 1.", "Answer 2."]
    assert seen == [["a"], ["a", "Answer 1.", "b"]]


def test_a_conversation_of_the_client_is_the_functions() -> None:
    seen: list[Any] = []

    def both(prompt: str, messages: list[Any]) -> list[str]:
        seen.append((prompt, [message["content"] for message in messages]))
        return ["Hi."]

    conversation = [{"role": role, "content": role[0]} for role in ("user", "assistant", "user")]
    with TestClient(nbagent.asgi({"both": both}), base_url="http://localhost") as client:
        body = {"model": "both", "messages": conversation}
        answer = client.post("/v1/chat/completions", json=body).json()
    assert answer["choices"][0]["message"]["content"] == "Hi."
    assert seen == [("u", ["u", "a", "u"])]


def test_a_question_of_an_agent_in_a_function_is_answered(asks: Asking) -> None:
    with asks.agent(asking(), chat("Done.")) as agent:

        def answering(prompt: str) -> Any:
            return agent.stream(prompt)

        with serve(answering, port=0) as server:
            address = f"{server.url}/agents/answering/messages/stream"
            stream = nbagent.connect(address, json={"message": "x"})
            run = nbagent.Run(stream, answer=lambda question: True)
            run.start()
            run.wait(20)
    assert (asks.deleted, run.answer) == (["a"], "Done.")


def test_a_function_that_raises_fails_its_run_with_the_reason() -> None:
    def broken(prompt: str) -> Any:
        raise ValueError("no such table")

    with TestClient(nbagent.asgi(broken), base_url="http://localhost") as client:
        response = client.post("/agents/broken/messages/stream", json={"message": "x"})
    assert "no such table" in response.text


def test_a_stop_closes_what_a_function_returned() -> None:
    closed = []

    async def endless(prompt: str) -> AsyncIterator[str]:
        try:
            while True:
                yield "more "
                await asyncio.sleep(0.01)
        finally:
            closed.append(True)

    with (
        serve(endless, port=0) as server,
        httpx2.Client(base_url=server.url, timeout=20) as client,
    ):
        made = client.post("/runs", json={"message": "x"}).json()
        client.post(f"/runs/{made['id']}/cancel")
        assert data_of(client.get(made["events"]))[-1]["status"] == "cancelled"
    assert closed == [True]


@pytest.mark.parametrize("served", [7, "texts", Agent, [], {}, {"a": 7}])
def test_what_is_no_function_is_refused(served: Any) -> None:
    with pytest.raises(NbagentError, match="serve an agent, a run, or a function"):
        nbagent.asgi(served)


def test_a_function_without_a_prompt_is_refused() -> None:
    with pytest.raises(NbagentError, match="takes no prompt"):
        nbagent.asgi(lambda: texts("x"))


def test_mcp_and_the_page_know_a_function() -> None:
    with TestClient(nbagent.asgi(texts), base_url="http://localhost") as client:
        assert client.get("/").status_code in (200, 404)
        assert "texts" in str(client.get("/openapi.json").json()["paths"])
