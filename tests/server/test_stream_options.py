"""Options of a served stream: pieces and pace of its texts, thoughts, and what a reader who leaves
means for the run.
"""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import psutil
import pytest
from agent.server import Exchange, chat, chat_chunk, message, reasoning, responses
from agent.server import Server as ModelServer
from starlette.testclient import TestClient

import nbagent
from nbagent.agent import Agent
from nbagent.agent.delivery import Delivery
from nbagent.server import serve
from nbagent.server.server import Server
from nbagent.sources.wire.sse import SSEDecoder

TEXT = "The capital of France is Paris."


@contextmanager
def serving(
    *replies: Any, api: Any = "chat", delivery: Delivery | None = None, **options: Any
) -> Iterator[httpx2.Client]:
    with ModelServer(*replies) as model:
        agent = Agent("test-1", client=model.client(), api=api, name="custom", delivery=delivery)
        with (
            serve(agent, port=0, **options) as server,
            httpx2.Client(base_url=server.url, timeout=10) as client,
        ):
            yield client


def chunks(response: httpx2.Response) -> list[str]:
    events = SSEDecoder().feed(response.content)
    return [json.loads(event.data)["chunk"] for event in events if event.event == "message"]


@pytest.mark.parametrize("delay_s", [0.0, 0.001])
def test_a_chunk_has_chunk_size_characters(delay_s: float) -> None:
    with serving(
        chat(TEXT[:3], TEXT[3:]), delivery=Delivery(chunk_chars=10, delay_s=delay_s)
    ) as client:
        got = chunks(client.post("/agents/custom/messages/stream", json={"message": "x"}))
    assert got == ["The capita", "l of Franc", "e is Paris", "."]


def test_small_pieces_of_the_model_are_joined_where_no_size_is_set() -> None:
    with serving(chat(*TEXT)) as client:
        got = chunks(client.post("/agents/custom/messages/stream", json={"message": "x"}))
    assert "".join(got) == TEXT
    assert len(got) < len(TEXT)


@pytest.mark.parametrize("is_shown", [True, False])
def test_show_thinking_holds_whatever_the_server_reveals(is_shown: bool) -> None:
    reply = responses(reasoning("hm"), message("Hi."))
    with serving(
        reply, api="responses", delivery=Delivery(thinking=is_shown), reveal="all"
    ) as client:
        made = client.post("/runs", json={"message": "x"}).json()
        assert ("reasoning.delta" in client.get(made["events"]).text) is is_shown


@pytest.mark.parametrize(
    ("thinking", "reveal", "is_shown"),
    [(None, {}, False), (True, {}, True), (False, {}, False), (True, {"reveal": "tools"}, False)],
)
def test_show_thinking_is_honoured_where_the_server_is_not_told_what_to_reveal(
    thinking: bool | None, reveal: Any, is_shown: bool
) -> None:
    reply = responses(reasoning("hm"), message("Hi."))
    with serving(reply, api="responses", delivery=Delivery(thinking=thinking), **reveal) as client:
        made = client.post("/runs", json={"message": "x"}).json()
        assert ("reasoning.delta" in client.get(made["events"]).text) is is_shown


def test_hectors_clients_get_the_thoughts_of_an_agent_that_shows_them() -> None:
    reply = responses(reasoning("hm"), message("Hi."))
    with serving(reply, api="responses", delivery=Delivery(thinking=True)) as client:
        response = client.post("/agents/custom/messages/stream", json={"message": "x"})
    assert 'event: thinking\ndata: {"thinking":"hm"}' in response.text
    assert chunks(response) == ["Hi."]


def hold(exchange: Exchange) -> None:
    exchange.begin()
    exchange.send(chat_chunk({"content": "Hel"}))
    exchange.hold()


@contextmanager
def holding(**options: Any) -> Iterator[tuple[httpx2.Client, threading.Event]]:
    """Yield a client, and the event of the model's being given up."""
    with ModelServer(hold) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="custom")
        with (
            serve(agent, port=0, **options) as server,
            httpx2.Client(base_url=server.url, timeout=10) as client,
        ):
            yield client, model.hung_up


@pytest.mark.parametrize(
    ("default", "asked", "is_cancelled"),
    [
        (False, "", False),
        (True, "", True),
        (False, "?cancel_on_disconnect=true", True),
        (True, "?cancel_on_disconnect=false", False),
    ],
)
def test_a_reader_who_leaves_cancels_the_run_where_that_is_set(
    default: bool, asked: str, is_cancelled: bool
) -> None:
    with holding(cancel_on_disconnect=default) as (client, given_up):
        with client.stream(
            "POST", f"/agents/custom/messages/stream{asked}", json={"message": "x"}
        ) as response:
            assert (
                next(line for line in response.iter_lines() if line.startswith("data"))
                == 'data: {"chunk":"Hel"}'
            )
            run_id = response.headers["x-run-id"]
        if is_cancelled:
            assert given_up.wait(10)
            assert '"status":"cancelled"' in client.get(f"/runs/{run_id}/events").text
        else:
            assert [each["id"] for each in client.get("/runs").json()["runs"]] == [run_id]


def test_a_client_with_the_read_token_cancels_no_run_by_leaving_it() -> None:
    token, read_token = "a-token-of-some-length", "another-token-of-some-length"
    with ModelServer(hold) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="custom")
        app = nbagent.asgi(agent, token=token, read_token=read_token)
        with (
            Server(app, socket.create_server(("127.0.0.1", 0))) as server,
            httpx2.Client(base_url=server.url, timeout=10) as client,
        ):
            bearers = [{"authorization": f"Bearer {each}"} for each in (token, read_token)]
            run_id = client.post("/runs", json={"message": "x"}, headers=bearers[0]).json()["id"]
            [run] = app.state.host.running()
            path = f"/runs/{run_id}/events?cancel_on_disconnect=true"
            with client.stream("GET", path, headers=bearers[1]) as reader:
                lines = reader.iter_lines()
                assert next(line for line in lines if "text.delta" in line)
            while run.readers:
                time.sleep(0.01)
            client.post(f"/runs/{run_id}/cancel", headers=bearers[0])
            events = client.get(f"/runs/{run_id}/events", headers=bearers[0]).text
    assert '"stopped_by":"a client"' in events


def test_a_run_is_cancelled_by_the_last_of_its_readers_only() -> None:
    with holding(cancel_on_disconnect=True) as (client, given_up):
        with client.stream(
            "POST", "/agents/custom/messages/stream", json={"message": "x"}
        ) as response:
            run_id = response.headers["x-run-id"]
            with client.stream("GET", f"/runs/{run_id}/events") as other:
                lines = other.iter_lines()  # httpx2 closes a response whose lines nobody holds
                assert next(line for line in lines if "text.delta" in line)
                response.close()
                assert client.get("/runs").json()["runs"]
                assert not given_up.is_set()
        assert given_up.wait(10)


def test_a_websocket_that_closes_cancels_the_run_where_that_is_set() -> None:
    with ModelServer(hold) as model:
        agent = Agent("test-1", client=model.client(), api="chat", name="custom")
        with TestClient(nbagent.asgi(agent), base_url="http://localhost") as http:
            with http.websocket_connect(
                "ws://localhost/agents/custom/stream?cancel_on_disconnect=true"
            ) as socket:
                socket.send_json({"message": "x"})
                assert socket.receive_json() == {"chunk": "Hel"}
            assert model.hung_up.wait(10)


def _without_comments(stream: bytes) -> bytes:
    """Return a stream without the comments, which a busy machine's server sends at other places."""
    return re.sub(rb"(?m)^:.*\n\n", b"", stream)


def test_a_reader_that_never_reads_costs_the_buffers_of_its_socket_only() -> None:
    size, readers = 40, 20
    with serving(chat(*["x" * 65_536] * size)) as client:
        run_id = client.post("/runs", json={"message": "x"}).json()["id"]
        path = f"/runs/{run_id}/events"
        whole = client.get(path).content
        before = psutil.Process().memory_info().rss
        with ExitStack() as stack:
            for _ in range(readers):
                slow = stack.enter_context(
                    socket.create_connection((client.base_url.host, client.base_url.port))
                )
                slow.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                assert slow.recv(15) == b"HTTP/1.1 200 OK"
            again = client.get(path).content  # which takes its turns with theirs
            assert _without_comments(again) == _without_comments(whole)
            grown = psutil.Process().memory_info().rss - before
    assert len(whole) > size * 65_536
    # of what they would cost if their streams were kept for them
    assert grown < len(whole) * readers / 10
