"""Server processes that share a store: runs, sessions, stops and answers, and what is left of one
that was killed.
"""

import contextlib
import http.client
import json
import os
import select
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest
from agent.server import Exchange, Json, chat, chat_chunk
from agent.server import Server as ModelServer
from preloaded import start
from redis_server import RedisServer, redis_server
from server.served import agent_of

from nbagent.errors import NbagentError
from nbagent.server import serve
from nbagent.sources.wire.sse import SSEDecoder

WORDS = [f"word{number} " for number in range(30)]


class Model:
    """A model that does what the prompt says.

    Attributes:
        go_on: lets a prompt "hold" go on, and each word of a prompt "words" come.
    """

    def __init__(self) -> None:
        self.go_on = threading.Semaphore(0)
        self.server = ModelServer(*[self.answer] * 200)

    def answer(self, exchange: Exchange) -> None:
        messages = exchange.body["messages"]
        prompt = [message["content"] for message in messages if message["role"] == "user"][-1]
        exchange.begin()
        if prompt == "hold":
            exchange.send(chat_chunk({"content": "Hel"}))
            exchange.hold()
            return
        if prompt == "words":
            for word in WORDS:
                self.go_on.acquire(timeout=60)
                exchange.send(chat_chunk({"content": word}))
            exchange.send(chat_chunk({}, "stop"))
        elif prompt == "delete" and messages[-1]["role"] == "user":
            exchange.send(*chat(calls=[("c1", "delete", '{"path": "a"}')]))
        else:
            said = [message["content"] for message in messages if message["role"] != "system"]
            exchange.send(*chat(json.dumps(said)))
        exchange.end()


class Client:
    """A client of a server.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=60)
        self._streams = contextlib.ExitStack()

    def close(self) -> None:
        """Close its connections."""
        self._streams.close()
        self.http.close()

    def begin(self, prompt: str, session: str | None = None) -> str:
        """Begin a run, and return its id."""
        response = self.http.post("/runs", json={"message": prompt, "session": session})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def events(self, run: str) -> Iterator[Json]:
        """Return the events of a run, as they come."""
        response = self._streams.enter_context(self.http.stream("GET", f"/runs/{run}/events"))
        assert response.status_code == 200
        decoder = SSEDecoder()
        for chunk in response.iter_bytes():
            for event in decoder.feed(chunk):
                if event.data.startswith("{"):
                    yield json.loads(event.data)

    def session(self) -> str:
        """Return a new session."""
        return str(self.http.post("/agents/assistant/sessions").json()["session_id"])

    def post(self, path: str, **body: Any) -> tuple[int, str]:
        """Return the status of a request and what it says."""
        response = self.http.post(path, json=body)
        return response.status_code, response.text


class Cluster:
    """Servers with one store, and their model: one in this process, others in processes of their
    own.

    Args:
        store: their store.
        folder: for files.
    """

    def __init__(self, store: str, folder: Path) -> None:
        self.model = Model()
        self.deleted = folder / "deleted"
        self._store = store
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._ends.enter_context(self.model.server)
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.close()

    def here(self) -> Client:
        """Start a server in this process."""
        agent = agent_of(self.model.server.base_url, self.deleted)
        server = self._ends.enter_context(serve(agent, port=0, store=self._store))
        return self._client(server.url)

    def elsewhere(self) -> tuple[Client, Callable[[], None]]:
        """Start a server in a process of its own.

        Returns a client of it, and a function that kills it.
        """
        arguments = (self.model.server.base_url, self._store, str(self.deleted))
        path = os.pathsep.join(
            [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        environment = {**os.environ, "PYTHONPATH": path}
        process = start(
            "-m",
            "server.served",
            *arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

        def kill() -> None:
            process.kill()
            process.communicate()

        self._ends.callback(kill)
        assert process.stdout is not None
        return self._client(process.stdout.readline().strip()), kill

    def _client(self, url: str) -> Client:
        client = Client(url)
        self._ends.callback(client.close)
        return client


@pytest.fixture(scope="module", params=["file", "redis"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    store = str(folder / "runs.db")
    if request.param == "redis":
        store = request.getfixturevalue("shared_redis").url + "?heartbeat_expires_ms=5000"
    with Cluster(store, folder) as made:
        yield made


@pytest.fixture(scope="module")
def pair(cluster: Cluster) -> tuple[Client, Client]:
    return cluster.elsewhere()[0], cluster.here()


def text_of(events: list[Json]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == "text.delta")


def test_a_run_is_stopped_from_another_process(pair: tuple[Client, Client]) -> None:
    first, second = pair
    run = first.begin("hold")
    events = second.events(run)
    next(event for event in events if event["type"] == "text.delta")
    assert second.post(f"/runs/{run}/cancel")[0] == 202
    last = list(events)[-1]
    assert (last["type"], last["status"]) == ("run.end", "cancelled")
    status, said = second.post(f"/runs/{run}/cancel")
    assert (status, "has ended" in said) == (409, True)


def test_a_question_is_answered_once_from_whichever_process(
    cluster: Cluster, pair: tuple[Client, Client]
) -> None:
    cluster.deleted.unlink(missing_ok=True)
    first, second = pair
    run = first.begin("delete")
    events = second.events(run)
    question = next(event["approval_id"] for event in events if event["type"] == "approval.request")
    assert second.post(f"/runs/{run}/answers", id="another")[0] == 409
    with ThreadPoolExecutor() as threads:
        answers = threads.map(
            lambda process: process.post(f"/runs/{run}/answers", id=question), [first, second] * 3
        )
        assert sorted(status for status, _ in answers) == [200] + [409] * 5
    assert list(events)[-1]["status"] == "completed"
    assert cluster.deleted.read_text() == "a\n"


def test_an_interrupt_is_answered_in_another_process(pair: tuple[Client, Client]) -> None:
    def run(client: Client, **more: Any) -> list[dict[str, Any]]:
        asked = {"threadId": "t", "messages": [{"role": "user", "content": "delete"}], **more}
        lines = client.http.post("/ag-ui/assistant", json=asked).text.splitlines()
        return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]

    [interrupt] = run(pair[0])[-1]["outcome"]["interrupts"]
    entry = {"interruptId": interrupt["id"], "status": "resolved", "payload": {"approved": True}}
    rest = run(pair[1], runId="r2", resume=[entry])
    assert (rest[0]["type"], rest[-1]["outcome"]) == ("RUN_STARTED", {"type": "success"})
    assert "gone" in [each.get("content") for each in rest]


def frames(lines: Iterator[str]) -> Iterator[str]:
    return (line[6:] for line in lines if line.startswith("data: "))


def use_chat(prompt: str, **part: Any) -> Json:
    """Return a request of `useChat`; with a part of the assistant's message behind the prompt."""
    messages = [{"role": "user", "parts": [{"type": "text", "text": prompt}]}]
    if part:
        messages.append({"role": "assistant", "parts": [part]})
    return {"id": f"chat of {prompt}", "messages": messages}


def test_a_page_of_use_chat_reads_the_answer_of_another_process_from_its_beginning(
    cluster: Cluster, pair: tuple[Client, Client]
) -> None:
    first, second = pair
    asked = use_chat("words")
    path = f"/api/chat/{asked['id']}/stream"
    assert second.http.get(path).status_code == 204
    cluster.model.go_on.release(1)
    left = list[str]()
    with first.http.stream("POST", "/api/chat", json=asked) as response:
        for frame in frames(response.iter_lines()):
            left.append(frame)
            if WORDS[0] in frame:
                break
    with second.http.stream("GET", path) as response:
        cluster.model.go_on.release(len(WORDS) - 1)
        whole = list(frames(response.iter_lines()))
    assert (whole[: len(left)], whole[-1]) == (left, "[DONE]")
    texts = [json.loads(each)["delta"] for each in whole if "text-delta" in each]
    assert "".join(texts) == "".join(WORDS)
    assert [client.http.get(path).status_code for client in pair] == [204, 204]


def test_a_page_of_use_chat_answers_the_question_of_another_process(
    cluster: Cluster, pair: tuple[Client, Client]
) -> None:
    cluster.deleted.unlink(missing_ok=True)
    first, second = pair
    asked = use_chat("delete")
    shown = first.http.post("/api/chat", json=asked).text
    loaded = second.http.get(f"/api/chat/{asked['id']}/stream").text
    assert loaded == shown
    question = next(
        json.loads(frame) for frame in frames(iter(loaded.splitlines())) if "approvalId" in frame
    )
    answer = {
        "type": "tool-delete",
        "toolCallId": question["toolCallId"],
        "state": "approval-responded",
        "approval": {"id": question["approvalId"], "approved": True},
    }
    rest = second.http.post("/api/chat", json=use_chat("delete", **answer)).text
    assert ("tool-output-available" in rest, "[DONE]" in rest) == (True, True)
    assert cluster.deleted.read_text() == "a\n"


def test_a_session_goes_on_in_another_process(pair: tuple[Client, Client]) -> None:
    first, second = pair
    session = first.session()
    list(first.events(first.begin("one", session)))
    answer = json.loads(text_of(list(second.events(second.begin("two", session)))))
    assert answer == ["one", '["one"]', "two"]


def test_a_session_answers_in_one_process_at_a_time(pair: tuple[Client, Client]) -> None:
    first, second = pair
    session = first.session()
    run = first.begin("hold", session)
    status, said = second.post("/runs", message="two", session=session)
    assert (status, "answers another prompt" in said, run in said) == (409, True, True)
    events = second.events(run)
    next(event for event in events if event["type"] == "text.delta")
    second.post(f"/runs/{run}/cancel")
    list(events)
    answer = json.loads(text_of(list(second.events(second.begin("two", session)))))
    assert (answer[0], answer[-1]) == ("hold", "two")


def test_a_watcher_of_a_session_sees_the_runs_of_other_processes(
    pair: tuple[Client, Client],
) -> None:
    first, second = pair
    session = first.session()
    with second.http.stream(
        "GET", f"/agents/assistant/sessions/{session}/messages/stream"
    ) as watcher:
        lines = watcher.iter_lines()
        for prompt in ("one", "two"):
            first.begin(prompt, session)
            chunks = (json.loads(line[6:])["chunk"] for line in lines if line.startswith("data: {"))
            assert f'"{prompt}"]' in next(chunks)


def test_each_process_lists_the_runs_of_all(pair: tuple[Client, Client]) -> None:
    runs = [client.begin("hold") for client in pair]
    listed = [client.http.get("/runs").json() for client in pair]
    assert [run["id"] for run in listed[0]["runs"]] == runs[::-1]
    assert listed[0] == listed[1]
    for run in runs:
        assert pair[1].post(f"/runs/{run}/cancel")[0] == 202
        list(pair[1].events(run))
    listed = [client.http.get("/runs").json() for client in pair]
    assert (listed[0]["runs"], [run["id"] for run in listed[0]["ended"]][:2]) == ([], runs[::-1])
    assert listed[0] == listed[1]


def test_a_run_whose_process_was_killed_is_marked_once(
    cluster: Cluster, pair: tuple[Client, Client]
) -> None:
    cluster.deleted.unlink(missing_ok=True)
    first, second = pair
    other, kill = cluster.elsewhere()
    session = other.session()
    run, asking = other.begin("hold", session), other.begin("delete")
    question = next(
        event["approval_id"]
        for event in first.events(asking)
        if event["type"] == "approval.request"
    )
    reading = [each.events(run) for each in (first, second, first)]
    for events in reading:
        next(event for event in events if event["type"] == "text.delta")
    kill()
    with ThreadPoolExecutor() as threads:
        rests: list[list[Json]] = list(threads.map(list, reading))
    end = ("run.end", "incomplete", "server_stopped")
    assert [
        [(event["type"], event["status"], event["code"]) for event in rest] for rest in rests
    ] == [[end]] * 3
    assert [event["type"] for event in first.events(run)].count("run.end") == 1
    assert first.post(f"/runs/{run}/cancel")[0] == 409
    assert second.post(f"/runs/{asking}/answers", id=question)[0] == 409
    assert not cluster.deleted.exists()
    answer = json.loads(text_of(list(second.events(second.begin("two", session)))))
    assert (answer[0], answer[-1]) == ("hold", "two")


@pytest.mark.parametrize(
    "keeps", [True, pytest.param(False, marks=pytest.mark.proof)], ids=["on a disk", "nowhere"]
)
def test_a_redis_that_starts_again_in_the_middle_loses_no_event_and_repeats_none(
    tmp_path: Path, keeps: bool
) -> None:
    with (
        redis_server(tmp_path, "--appendonly", "yes" if keeps else "no") as redis,
        Cluster(f"{redis.url}?heartbeat_expires_ms=1500", tmp_path) as cluster,
    ):
        first, second = cluster.here(), cluster.here()
        session = first.session() if keeps else None
        run = first.begin("words", session)
        events, got = second.events(run), list[Json]()
        for wanted in (10, 20):
            cluster.model.go_on.release(10)
            while text_of(got).count(" ") < wanted:
                got.append(next(events))
            redis.kill()
            cluster.model.go_on.release(2)  # these come while nobody keeps them
            status, said = first.post("/runs", message="one")
            assert (status, "does not answer" in said) == (503, True)
            redis.start()
        cluster.model.go_on.release(10)
        got += events
        assert text_of(got) == "".join(WORDS)
        numbers = [event["seq"] for event in got]
        assert numbers == sorted(set(numbers))
        assert got[-1]["status"] == "completed"
        assert list(first.events(run)) == got
        if session is not None:
            assert json.loads(text_of(list(second.events(second.begin("two", session))))) == [
                "words",
                "".join(WORDS),
                "two",
            ]


def test_a_redis_that_is_silent_stalls_only_those_who_ask_it(
    tmp_path: Path, redis: RedisServer
) -> None:
    with Cluster(redis.url, tmp_path) as cluster:
        client = cluster.here()
        session = client.session()
        url = client.http.base_url
        with contextlib.closing(
            http.client.HTTPConnection(url.host, url.port or 80, timeout=60)
        ) as asking:
            with redis.paused():
                body = json.dumps({"message": "one", "session": session})
                asking.request("POST", "/runs", body, {"content-type": "application/json"})
                assert [client.http.get("/health").status_code for _ in range(5)] == [200] * 5
                assert not select.select([asking.sock], [], [], 0)[0], "who asked Redis still waits"
            response = asking.getresponse()
            assert (response.status, text_of(list(client.events(json.load(response)["id"])))) == (
                201,
                '["one"]',
            )


def test_a_redis_that_is_silent_for_long_ends_no_run(
    tmp_path: Path, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("stores.redis_connection.TIMEOUT_S", "hosting.sessions.LOOKUP_TIMEOUT_S"):
        monkeypatch.setattr(f"nbagent.server.{module}", 0.3)
    with Cluster(f"{redis.url}?heartbeat_expires_ms=800", tmp_path) as cluster:
        first, second = cluster.here(), cluster.here()
        session, run = first.session(), first.begin("words")
        events, got = second.events(run), list[Json]()
        cluster.model.go_on.release(10)
        while text_of(got).count(" ") < 10:
            got.append(next(events))
        with redis.paused():  # until the signs of life of both processes have expired
            refused = [
                first.post("/runs", message="one"),
                first.post("/runs", message="one", session=session),
            ]
            assert first.http.get("/runs").status_code == 503
        assert [(status, "answer" in said) for status, said in refused] == [(503, True)] * 2
        cluster.model.go_on.release(20)
        got += events
        assert (text_of(got), got[-1]["status"]) == ("".join(WORDS), "completed")
        assert text_of(list(second.events(second.begin("two", session)))) == '["two"]'


def test_a_store_that_cannot_be_reached_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(NbagentError, match=r"redis://127\.0\.0\.1:1/0 does not answer"):
        serve(
            agent_of("http://127.0.0.1:1/v1", tmp_path),
            port=0,
            store="redis://user:hunter2hunter2@127.0.0.1:1/0",
        )


def test_a_server_stops_while_its_redis_is_gone(tmp_path: Path) -> None:
    with redis_server(tmp_path) as redis, Model().server as model:
        with serve(
            agent_of(model.base_url, tmp_path / "deleted"), port=0, store=redis.url
        ) as server:
            client = Client(server.url)
            next(
                event
                for event in client.events(client.begin("hold"))
                if event["type"] == "text.delta"
            )
            client.close()
            redis.kill()
        assert "stopped" in repr(server)
