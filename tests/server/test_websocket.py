"""The WebSocket of an agent: prompts, a stop and answers go one way, the stream the other."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from agent.server import Server as ModelServer
from agent.server import chat
from server.served import Asking, asking, holding
from starlette.testclient import TestClient, WebSocketTestSession

import nbagent
from nbagent.agent import Agent
from nbagent.server import serve


class Client:
    """A client of the WebSocket."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self._socket = socket

    def send(self, **frame: Any) -> None:
        self._socket.send_json(frame)

    def until(self, has: Callable[[Any], bool]) -> list[Any]:
        """Return the messages up to the first that has something."""
        got = [self._socket.receive_json()]
        while not has(got[-1]):
            got.append(self._socket.receive_json())
        return got


Connected = Callable[..., AbstractContextManager[Client]]


@pytest.fixture
def connected(asks: Asking) -> Connected:
    """Return a function that serves an agent with a tool that asks; it yields a client."""

    @contextmanager
    def connecting(*replies: Any) -> Iterator[Client]:
        with (
            asks.agent(*replies) as agent,
            TestClient(nbagent.asgi(agent), base_url="http://localhost") as http,
            http.websocket_connect("ws://localhost/agents/assistant/stream") as socket,
        ):
            yield Client(socket)

    return connecting


def is_done(message: Any) -> bool:
    return "chunk" not in message


def test_prompts_of_a_connection_are_one_conversation(connected: Connected) -> None:
    with connected(chat("One."), chat("Two.")) as client:
        client.send(message="a")
        assert (client.until(is_done))[0] == {"chunk": "One."}
        client.send(message="b")
        assert (client.until(is_done))[0] == {"chunk": "Two."}


def test_a_stop_ends_the_run(connected: Connected) -> None:
    with connected(holding) as client:
        client.send(message="a")
        assert client.until(lambda message: message == {"chunk": "Hel"})
        client.send(stop=True)
        assert "cancelled" in str((client.until(is_done))[-1]).lower()


def test_junk_is_answered_and_the_connection_stays(connected: Connected) -> None:
    with connected(chat("One.")) as client:
        for junk in ({"message": 7}, {"answer": "none"}, {"message": ""}):
            client.send(**junk)
            assert "error" in (client.until(lambda message: True))[0]
        client.send(message="a")
        assert (client.until(is_done))[0] == {"chunk": "One."}


def test_a_question_is_answered_over_the_connection(asks: Asking, connected: Connected) -> None:
    with connected(asking(), chat("Done.")) as client:
        client.send(message="go")
        question = client.until(lambda message: "question" in message)[-1]["question"]
        assert (question["tool"], question["args"], asks.deleted) == ("delete", {"path": "a"}, [])
        client.send(answer=question["id"], value={"path": "b"})
        client.until(is_done)
    assert asks.deleted == ["b"]


async def test_nbagent_reads_it_over_a_real_connection() -> None:
    with ModelServer(chat("Hel", "lo")) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with serve(agent, port=0) as server:
            address = f"{server.url.replace('http', 'ws')}/agents/assistant/stream"
            run = nbagent.show(address, json={"message": "Hi"}, face="console")
            async for _ in run.stream("text.delta"):
                break
            await run
    assert run.text == "Hello"
