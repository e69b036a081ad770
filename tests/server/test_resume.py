"""Readers that lose their connection, or their server, and go on where they were."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from hypothesis import given, settings
from hypothesis import strategies as st
from preloaded import Process, start
from server.served import Words, asking
from server.viewed import Served

from nbagent.agent import Agent
from nbagent.server import Limits, serve
from nbagent.server.hosting.position import Position, parse_id
from nbagent.sources.wire.sse import ServerSentEvent, SSEDecoder

WORDS = [f"word{number} " for number in range(40)]


def slowly(exchange: Exchange) -> None:
    """Answer in many pieces, of which no two are joined."""
    exchange.begin()
    for word in WORDS:
        exchange.send(chat_chunk({"content": word}))
        time.sleep(0.025)
    exchange.send(chat_chunk({}, "stop"))
    exchange.end()


@contextmanager
def agent() -> Iterator[Agent]:
    with ModelServer(slowly) as model:
        yield Agent("test-1", client=model.client(), api="chat", name="assistant")


def read(
    client: httpx2.Client,
    method: str,
    path: str,
    limit: int | None = None,
    begun: Callable[[], object] = lambda: None,
    **options: Any,
) -> list[ServerSentEvent]:
    """Return the events of a stream; leave it after `limit` of them.

    `begun` is called when the stream has begun.
    """
    decoder, events = SSEDecoder(), []
    with client.stream(method, path, **options) as response:
        begun()
        for chunk in response.iter_bytes():
            for event in decoder.feed(chunk):
                events.append(event)
                if len(events) == limit:
                    return events
    return events


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[httpx2.Client, list[ServerSentEvent]]]:
    with (
        agent() as made,
        serve(made, port=0) as server,
        httpx2.Client(base_url=server.url, timeout=20) as client,
    ):
        yield (
            client,
            read(client, "POST", "/agents/assistant/messages/stream", json={"message": "go"}),
        )


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_a_reader_gets_all_after_its_last_id_and_nothing_twice(
    finished: tuple[httpx2.Client, list[ServerSentEvent]], data: st.DataObject
) -> None:
    client, whole = finished
    cut = data.draw(st.integers(0, len(whole) - 2))
    headers = {"Last-Event-ID": whole[cut].id}
    assert (
        read(
            client,
            "POST",
            "/agents/assistant/messages/stream",
            json={"message": "?"},
            headers=headers,
        )
        == whole[cut + 1 :]
    )


def test_an_event_source_that_has_all_is_told_to_stop(
    finished: tuple[httpx2.Client, list[ServerSentEvent]],
) -> None:
    client, whole = finished
    response = client.get(
        "/stream", params={"query": "go"}, headers={"Last-Event-ID": whole[-1].id}
    )
    assert (response.status_code, response.content) == (204, b"")


def test_a_reader_goes_on_with_another_protocol(
    finished: tuple[httpx2.Client, list[ServerSentEvent]],
) -> None:
    client, whole = finished
    cut = len(whole) // 2
    rest = read(
        client, "GET", "/stream", params={"query": "go"}, headers={"Last-Event-ID": whole[cut].id}
    )
    said = "".join(json.loads(event.data)["chunk"] for event in whole[: cut + 1])
    events = [json.loads(event.data) for event in rest]
    assert said + "".join(
        event.get("content", "") for event in events if event["type"] == "token"
    ) == "".join(WORDS)


def test_an_id_of_another_server_is_refused(
    finished: tuple[httpx2.Client, list[ServerSentEvent]],
) -> None:
    client, _ = finished
    assert client.get("/stream", headers={"Last-Event-ID": "17"}).status_code == 400
    assert (
        client.get("/stream", headers={"Last-Event-ID": "run-aaaaaaaaaaaa:1-1"}).status_code == 404
    )


def test_readers_that_come_late_drop_and_resume_get_the_same_while_it_goes_on() -> None:
    with (
        agent() as made,
        serve(made, port=0) as server,
        httpx2.Client(base_url=server.url, timeout=20) as client,
    ):
        path = "/agents/assistant/messages/stream"
        got = read(client, "POST", path, 5, json={"message": "go"})
        while (last := parse_id(got[-1].id or "")) is not None and json_chunk(got[-1]):
            got += read(
                client,
                "POST",
                path,
                7,
                json={"message": "?"},
                headers={"Last-Event-ID": got[-1].id},
            )
        whole = read(client, "GET", f"/runs/{last[0] if last else ''}/events")
    assert "".join(json_chunk(event) for event in got) == "".join(WORDS)
    told = [json.loads(event.data) for event in whole]
    assert "".join(each["delta"] for each in told if each.get("type") == "text.delta") == "".join(
        WORDS
    )


def json_chunk(event: ServerSentEvent) -> str:
    return str(json.loads(event.data)["chunk"]) if event.data.startswith("{") else ""


SERVING = """
import sys, time
import openai
from nbagent.agent import Agent
from nbagent.server import serve
client = openai.AsyncOpenAI(base_url=sys.argv[1], api_key="sk-test")
agent = Agent("test-1", client=client, api="chat", name="assistant")
server = serve(agent, port=0, store=sys.argv[2])
print(server.url, flush=True)
sys.stdin.read()
server.stop()
"""


def test_a_reader_goes_on_after_its_server_was_killed(tmp_path: Path) -> None:
    with ModelServer(slowly) as model:
        arguments = ("-c", SERVING, str(model.client().base_url), str(tmp_path / "runs.db"))
        servers: list[Process] = []
        got: list[ServerSentEvent] = []
        rest: list[ServerSentEvent] = []
        try:
            for _ in range(2):
                process = start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                servers.append(process)
                assert process.stdout is not None
                url = process.stdout.readline().strip()
                with httpx2.Client(base_url=url, timeout=20) as client:
                    if len(servers) == 1:
                        got = read(
                            client,
                            "POST",
                            "/agents/assistant/messages/stream",
                            10,
                            json={"message": "go"},
                        )
                        process.kill()
                    else:
                        rest = read(client, "GET", "/stream", headers={"Last-Event-ID": got[-1].id})
        finally:
            for process in servers:
                process.kill()
                process.communicate()
    said = "".join(json_chunk(event) for event in got)
    events = [json.loads(event.data) for event in rest]
    said += "".join(event.get("content", "") for event in events if event["type"] == "token")
    assert "".join(WORDS).startswith(said)
    assert [event["type"] for event in events[-2:]] == ["error", "done"]


LEFT_RUNNING = """
import atexit, sys, time
import httpx2, nbagent, openai
client = openai.AsyncOpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
agent = nbagent.Agent("test-1", client=client, api="chat", name="assistant")
server = nbagent.serve(agent, port=0, store=sys.argv[2])
print(httpx2.post(f"{server.url}/runs", json={"message": "go"}).json()["id"])
atexit.register(time.sleep, 1)
"""


def test_a_process_that_ends_stops_its_server_whose_runs_are_known_to_be_cancelled(
    tmp_path: Path,
) -> None:
    store = tmp_path / "runs.db"
    with ModelServer(lambda exchange: exchange.hold()) as model:
        arguments = ("-c", LEFT_RUNNING, model.base_url, str(store))
        with start(
            *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, imported=()
        ) as process:
            told, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    with (
        agent() as made,
        serve(made, port=0, store=store) as server,
        httpx2.Client(base_url=server.url) as client,
    ):
        events = read(client, "GET", f"/runs/{told.strip()}/events")
    assert json.loads(events[-1].data)["status"] == "cancelled"


def test_a_page_of_use_chat_that_is_loaded_again_reads_the_answer_from_its_beginning() -> None:
    words = Words(3)
    user = {"role": "user", "parts": [{"type": "text", "text": "x"}]}
    with ModelServer(words) as model:
        made = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with (
            serve(made, port=0) as server,
            httpx2.Client(base_url=server.url, timeout=20) as client,
        ):
            path = "/api/chat/chat%2F1/stream"
            assert client.get(path).status_code == 204
            words.let_go(1)
            asked = {"id": "chat/1", "messages": [user]}
            left = read(client, "POST", "/api/chat", limit=3, json=asked)
            # A run that ends before it is asked for has no stream: the rest is let go then.
            whole = read(client, "GET", path, begun=lambda: words.let_go(2))
            assert client.get(path).status_code == 204
    assert whole[:3] == left
    deltas = [json.loads(each.data)["delta"] for each in whole if "text-delta" in each.data]
    assert "".join(deltas) == "".join(words.words)
    assert whole[-1].data == "[DONE]"


def test_a_page_of_use_chat_that_is_loaded_again_has_the_question_that_waits(
    served: Served,
) -> None:
    user = {"role": "user", "parts": [{"type": "text", "text": "x"}]}
    with served(asking(), chat("Done.")) as (http, _):
        asked = http.post("/api/chat", json={"id": "c", "messages": [user]})
        assert http.get("/api/chat/c/stream").text == asked.text
        [run] = http.get("/runs").json()["runs"]
        http.post(f"/runs/{run['id']}/cancel")
        assert http.get(f"/runs/{run['id']}/events").status_code == 200  # it has ended
        assert http.get("/api/chat/c/stream").status_code == 204


def test_a_prompt_that_is_refused_leaves_the_chat_to_the_run_that_answers() -> None:
    words = Words(2)
    user = {"role": "user", "parts": [{"type": "text", "text": "x"}]}
    with ModelServer(words) as model:
        made = Agent("test-1", client=model.client(), api="chat", name="assistant")
        with (
            serve(made, port=0, limits=Limits(max_runs=1)) as server,
            httpx2.Client(base_url=server.url, timeout=20) as client,
        ):
            asked = {"id": "c", "messages": [user]}
            words.let_go(1)
            read(client, "POST", "/api/chat", limit=3, json=asked)
            assert client.post("/api/chat", json=asked).status_code == 503
            rest = read(client, "GET", "/api/chat/c/stream", begun=lambda: words.let_go(1))
            assert rest[-1].data == "[DONE]"


def test_positions_are_in_order() -> None:
    assert Position(9, 2) < Position(10, 1)
    assert parse_id(Position(9, 2).id_in("run-abcdefghijkl")) == (
        "run-abcdefghijkl",
        Position(9, 2),
    )
    assert parse_id("run-abcdefghijkl:9") is None
