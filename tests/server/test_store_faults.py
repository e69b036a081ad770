"""A store that is full, locked or broken: what its runs, their readers, the list and new prompts
get.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from agent.server import Exchange, chat_chunk
from agent.server import Server as ModelServer
from redis_server import RedisServer

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.server import serve
from nbagent.server.hosting import hosted_run
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.stores import sqlite_file
from nbagent.server.stores.event_store import StoreBroken, StoredRun, StoreUnreachable
from nbagent.server.stores.redis_events import RedisEvents
from nbagent.server.stores.sqlite_events import SqliteEvents

PIECE = "x" * 20_000


class Pieces:
    """A model's reply of two large pieces, the second of which waits until it is let go."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        exchange.begin()
        exchange.send(chat_chunk({"content": PIECE}))
        self.go_on.wait(60)
        exchange.send(chat_chunk({"content": PIECE + "end"}))
        exchange.send(chat_chunk({}, "stop"))
        exchange.end()


class Running:
    """A server in whose store a run has begun, and its reader."""

    def __init__(self, http: httpx2.Client, server: Any, pieces: Pieces) -> None:
        host = server._host
        self.http = http
        self.store = host._store
        self.pieces = pieces
        self.read = b""
        self.run = http.post("/runs", json={"message": "go"}).json()["id"]
        self.hosted_by = host
        self.server = server
        self.hosted = host.running()[0]
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        wait_until(lambda: PIECE.encode() in self.read)

    def _read(self) -> None:
        with (
            contextlib.suppress(httpx2.RemoteProtocolError),  # of a server that stops
            self.http.stream("GET", f"/runs/{self.run}/events") as response,
        ):
            for part in response.iter_raw():
                self.read += part

    def listed(self, kind: str) -> list[str]:
        return [run["id"] for run in self.http.get("/runs").json()[kind]]


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.2)
    yield from running_in(tmp_path / "runs.db")


def running_in(store: str | Path) -> Iterator[Running]:
    pieces = Pieces()
    with (
        ModelServer(pieces, pieces, pieces) as model,
        serve(
            Agent("test-1", client=model.client(), api="chat", name="assistant"),
            port=0,
            store=store,
        ) as server,
        httpx2.Client(base_url=server.url, timeout=30) as http,
    ):
        made = Running(http, server, pieces)
        yield made
        pieces.go_on.set()
        made.reader.join(30)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not become so")


@contextmanager
def full(store: SqliteEvents) -> Iterator[None]:
    """Let the file grow no more."""
    (count,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {count}")
    yield
    store._db.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def locked(store: SqliteEvents) -> Iterator[None]:
    """Keep the file for another writer."""
    other = sqlite3.connect(store._path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("COMMIT")
    other.close()


def break_file(store: SqliteEvents) -> None:
    """Overwrite the whole file, as a program that took it for its own."""
    with store._lock:
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store._db.execute("PRAGMA shrink_memory")
        path = Path(store._path)
        path.write_bytes(b"\xff" * path.stat().st_size)


@pytest.mark.parametrize("fault", [full, locked])
def test_a_run_waits_for_a_store_that_is_full_or_locked_and_goes_on(
    fault: Any, running: Running
) -> None:
    with fault(running.store):
        running.pieces.go_on.set()
        wait_until(lambda: running.hosted.waits)
        assert running.listed("runs") == [running.run]
        assert running.reader.is_alive()
    running.reader.join(30)
    assert b"xend" in running.read
    assert b'"status":"completed"' in running.read
    wait_until(lambda: running.run in running.listed("ended"))
    assert running.http.post(f"/runs/{running.run}/cancel").status_code == 409


def test_a_prompt_is_refused_in_words_while_the_store_is_locked(running: Running) -> None:
    with locked(running.store):
        refused = running.http.post("/runs", json={"message": "go"})
    assert refused.status_code == 503
    assert "database is locked" in refused.json()["error"]["message"]


@pytest.mark.parametrize("fault", [full, locked])
def test_a_server_whose_store_takes_nothing_lives_and_is_not_ready(
    fault: Any, running: Running
) -> None:
    assert ready(running) == (200, "")
    running.hosted_by._check._checked = 0.0  # it is checked once a second
    with fault(running.store):
        assert ready(running) == (503, "store")
        assert running.http.get("/health").status_code == 200
        assert running.http.get("/runs").status_code == 200
    running.hosted_by._check._checked = 0.0
    assert ready(running) == (200, "")


def ready(running: Running) -> tuple[int, str]:
    response = running.http.get("/ready")
    return response.status_code, response.json().get("error", {}).get("message", "")


def test_a_server_that_drains_takes_no_prompt_and_lets_its_runs_end(running: Running) -> None:
    stopping = threading.Thread(target=running.server.stop, kwargs={"drain_s": 60})
    stopping.start()
    wait_until(lambda: ready(running) == (503, "stopping"))
    refused = running.http.post("/runs", json={"message": "go"})
    assert (refused.status_code, "the server stops" in refused.json()["error"]["message"]) == (
        503,
        True,
    )
    running.pieces.go_on.set()
    running.reader.join(30)
    assert b"xend" in running.read
    stopping.join(30)
    assert b'"status":"completed"' in running.read


def test_a_run_that_does_not_end_in_the_time_is_stopped(running: Running) -> None:
    running.server.stop(drain_s=0.1)
    running.reader.join(30)
    assert b'"status":"cancelled"' in running.read


def test_a_broken_file_fails_its_runs_in_words(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    break_file(running.store)
    running.pieces.go_on.set()
    running.reader.join(30)
    assert not running.reader.is_alive(), "the reader has its end"
    assert b"is broken" in running.read
    assert b'"status":"failed"' in running.read
    assert running.http.post(f"/runs/{running.run}/cancel").status_code == 409
    for refused in (running.http.get("/runs"), running.http.post("/runs", json={"message": "go"})):
        assert refused.status_code == 503
        assert "is broken" in refused.json()["error"]["message"]
    assert ready(running) == (503, "store")
    assert "never retrieved" not in caplog.text


@pytest.fixture
def in_redis(redis: RedisServer) -> Iterator[Running]:
    yield from running_in(redis.url)


def test_a_run_in_redis_whose_keys_hold_something_else_fails_in_words(
    in_redis: Running, redis: RedisServer
) -> None:
    with redis._client() as client:
        for key in client.keys("nbagent:*"):
            client.set(key, "garbage")
    in_redis.pieces.go_on.set()
    in_redis.reader.join(30)
    assert not in_redis.reader.is_alive(), "the reader has its end"
    assert b"has another content than nbagent gave it" in in_redis.read
    assert b'"status":"failed"' in in_redis.read
    assert in_redis.http.get("/runs").status_code == 503


HOSTILE = [
    b"garbage",
    b"\xff\xfe",
    b"{}",
    b"[" * 100_000,
    b'{"type":"text.delta","seq":1,"ts":1.0,"id":"a","delta":"x"}',
]


@pytest.mark.parametrize("data", HOSTILE)
@pytest.mark.usefixtures("no_garbage")
async def test_an_event_that_cannot_be_read_ends_its_readers_with_those_before_it(
    data: bytes,
) -> None:
    store = SqliteEvents(":memory:")
    stored = StoredRun(id="run-1", agent="a", session=None, owner=store.owner, created=1.0)
    await store.begin(stored)
    await store.append("run-1", [(1, e.to_json(e.RunStart(seq=1, ts=1.0))), (2, data)], ended=False)
    run = HostedRun(stored, store)
    await asyncio.wait_for(run.follow(), 30)
    start, error, end = run.events
    assert isinstance(start, e.RunStart)
    assert isinstance(error, e.Error)
    assert "event 2 of the run run-1 cannot be read" in error.message
    assert isinstance(end, e.RunEnd)
    assert end.status == "failed"
    await store.close()


@pytest.mark.parametrize(
    "fields",
    [
        {"x": "y"},
        {"agent": b"\xff"},
        {"agent": "a", "session": "", "owner": "o", "created": "soon"},
    ],
)
async def test_a_run_in_redis_that_cannot_be_read_is_refused_and_not_listed(
    redis: RedisServer, fields: Any
) -> None:
    store = RedisEvents(redis.url)
    await store.begin(
        StoredRun(id="run-good", agent="a", session=None, owner=store.owner, created=1.0)
    )
    with redis._client() as client:
        client.hset("nbagent:run:run-bad", mapping=fields)
        client.zadd("nbagent:going-on", {"run-bad": 2.0})
    with pytest.raises(StoreBroken, match="run-bad"):
        await store.find("run-bad")
    assert [run.id for run in (await store.listed()).going_on] == ["run-good"]
    await store.close()


@pytest.mark.parametrize("change", [("HDEL", "last"), ("HSET", "last", "soon")])
async def test_a_reader_of_a_run_in_redis_without_its_last_number_gets_an_end(
    redis: RedisServer, change: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted_run, "LIVENESS_S", 0.1)
    store = RedisEvents(redis.url)
    stored = StoredRun(id="run-1", agent="a", session=None, owner=store.owner, created=1.0)
    await store.begin(stored)
    await store.append("run-1", [(1, e.to_json(e.RunStart(seq=1, ts=1.0)))], ended=False)
    command, *values = change
    with redis._client() as client:
        client.execute_command(command, "nbagent:run:run-1", *values)
    run = HostedRun(stored, store)
    await asyncio.wait_for(run.follow(), 30)
    _, error, end = run.events
    assert isinstance(error, e.Error)
    assert "run-1 cannot be read in the store" in error.message
    assert isinstance(end, e.RunEnd)
    await store.close()


async def test_a_transaction_that_fails_leaves_none_behind(tmp_path: Path) -> None:
    store = SqliteEvents(tmp_path / "runs.db")
    run = StoredRun(id="run-1", agent="a", session=None, owner=store.owner, created=1.0)
    await store.begin(run)
    with full(store), pytest.raises(StoreUnreachable, match="full"):
        await store.append("run-1", [(1, PIECE.encode() * 9)], ended=False)
    with full(store), pytest.raises(StoreUnreachable, match="full"):
        await store.check_writable()
    assert await store.append("run-1", [(1, b"a")], ended=True)
    await store.check_writable()
    await store.close()


async def test_a_file_without_its_tables_is_broken_and_can_still_be_closed(tmp_path: Path) -> None:
    store = SqliteEvents(tmp_path / "runs.db")
    store._db.executescript("DROP TABLE event; DROP TABLE run")
    with pytest.raises(StoreBroken, match="no such table"):
        await store.find("run-1")
    await store.close()
