"""Prompts that find no room in their process, and runs that another process has ended."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from redis_server import RedisServer

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.client_options import ClientOptions
from nbagent.agent.model.model_options import ModelOptions
from nbagent.agent.model.structured import JsonForm
from nbagent.agent.tools.client_tool import ClientTool
from nbagent.events.json_text import decode_json
from nbagent.server.hosting.commands import Reply
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.work import Job, encoded
from nbagent.server.limits import Limits
from nbagent.server.problem import Problem
from nbagent.server.stores.event_store import WAITING, EventStore, StoredRun
from nbagent.server.stores.redis_events import RedisEvents
from nbagent.server.stores.sqlite_events import SqliteEvents

MakeHost = Callable[..., Host]


def answer(exchange: Exchange) -> None:
    exchange.begin()
    if exchange.body["messages"][-1]["content"] == "hold":
        exchange.send(chat_chunk({"content": "Hel"}))
        exchange.hold()
    else:
        exchange.send(*chat("Done."))
        exchange.end()


@pytest.fixture
async def hosts() -> AsyncIterator[MakeHost]:
    made: list[Host] = []
    with ModelServer(*[answer] * 20) as model:

        def make(store: EventStore, **options: int) -> Host:
            agent = Agent("test-1", client=model.client(), api="chat", name="assistant")
            made.append(Host({"assistant": agent}, store, **options))  # type: ignore[arg-type]
            made[-1].open()
            return made[-1]

        yield make
        for host in made:
            await host.close()


async def end_of(run: HostedRun) -> e.Event:
    await run.wait_for_end()
    return run.events[-1]


async def until_text(run: HostedRun) -> None:
    while not any(isinstance(event, e.TextDelta) for event in run.events):
        await run.changed(len(run.events))


def texts(run: HostedRun) -> str:
    return "".join(event.delta for event in run.events if isinstance(event, e.TextDelta))


async def test_a_prompt_that_finds_no_room_goes_to_a_process_that_has(
    hosts: MakeHost, redis: RedisServer
) -> None:
    full, free = (
        hosts(RedisEvents(redis.url), limits=Limits(max_runs=1)),
        hosts(RedisEvents(redis.url)),
    )
    await until_text(await full.start(None, "hold"))
    waiting = await full.start(None, "hold")
    await until_text(waiting)
    assert [run.id for run in free.running()] == [waiting.id]
    await waiting.cancel(by="a client")
    assert isinstance(last := await end_of(waiting), e.RunEnd)
    assert last.status == "cancelled"


async def test_a_prompt_that_finds_no_room_anywhere_waits_for_it(
    hosts: MakeHost, redis: RedisServer
) -> None:
    host = hosts(RedisEvents(redis.url), limits=Limits(max_runs=1))
    first = await host.start(None, "hold")
    await until_text(first)
    session = await host.sessions.new("assistant")
    second = await host.start(None, "go", session)
    stopped = await host.start(None, "go")
    await stopped.cancel(by="a client")
    end = e.RunEnd(status="cancelled", seq=1, run_id=stopped.id, meta={"stopped_by": "a client"})
    assert await end_of(stopped) == end
    with pytest.raises(Problem, match="answers another prompt") as refused:
        await host.start(None, "go", session)
    assert refused.value.status == 409
    await first.cancel(by="a client")
    assert isinstance(last := await end_of(second), e.RunEnd)
    assert (last.status, texts(second), texts(stopped)) == ("completed", "Done.", "")


async def test_a_full_process_with_a_file_refuses(hosts: MakeHost) -> None:
    host = hosts(SqliteEvents(":memory:"), limits=Limits(max_runs=1))
    await until_text(await host.start(None, "hold"))
    with pytest.raises(Problem, match="which is the limit") as refused:
        await host.start(None, "go")
    assert refused.value.status == 503


async def test_a_stop_whose_reply_comes_behind_the_end_of_the_run_has_worked() -> None:
    store = SqliteEvents(":memory:")
    stored = StoredRun(id="run-1", agent="assistant", session=None, owner=store.owner, created=0.0)
    await store.begin(stored)
    run = HostedRun(stored, store)

    async def take(command: bytes) -> bytes:
        await store.append(
            "run-1", [(1, e.to_json(e.RunEnd(status="cancelled", seq=1)))], ended=True
        )
        await run.wait_for_end()
        return msgspec.json.encode(Reply())

    serving = [asyncio.create_task(work) for work in (run.follow(), store.serve(take))]
    await run.cancel(by="a client")
    with pytest.raises(Problem, match="has ended"):
        await run.cancel(by="a client")
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    await store.close()


async def test_a_run_that_another_process_took_for_dead_is_stopped(
    hosts: MakeHost, redis: RedisServer
) -> None:
    other = RedisEvents(redis.url)
    host = hosts(RedisEvents(redis.url))
    run = await host.start(None, "hold")
    await until_text(run)
    running = run.run
    assert running is not None
    await other.append(
        run.id, [(999, e.to_json(e.RunEnd(status="incomplete", seq=999)))], ended=True
    )
    await run.cancel(by="a client")  # the next event of the run shows it
    assert await end_of(run) == e.RunEnd(status="incomplete", seq=999)
    assert running.status == "cancelled"
    await other.close()


def test_what_a_client_asks_for_waits_with_its_prompt() -> None:
    options = ClientOptions(
        tools=(ClientTool(name="clock"),),
        must_call=True,
        form=JsonForm(name="town"),
        model=ModelOptions(temperature=0.5, stop=["."]),
    )
    job = Job("go", {"reveal": "answer"}, "none", options)
    raw = encoded(job)
    assert raw is not None
    assert decode_json(raw, type=Job) == job


# --- entries that something else has written ---

WAITING_RUN = {
    "agent": "assistant",
    "session": "",
    "owner": "",
    "created": "1",
    "ended": "0",
    "last": "0",
}
GO: dict[str, Any] = {"prompt": "go", "options": {}}


@pytest.mark.parametrize(
    "entry",
    [
        {"x": "y"},
        {"run": "run-1"},
        {"job": b"{}"},
        {"run": b"\xff", "job": b"{}"},
        {"run": "run-none", "job": b"{}"},
        {"run": "text", "job": b"{}"},
        {"run": "unreadable", "job": b"{}"},
        {"run": "x" * 1_000_000, "job": b"{}"},
    ],
    ids=lambda entry: ",".join(f"{name}={str(value)[:12]}" for name, value in entry.items()),
)
async def test_an_entry_that_is_no_waiting_run_is_dropped(
    redis: RedisServer, entry: dict[str, Any]
) -> None:
    store = RedisEvents(redis.url)
    good = StoredRun(id="run-good", agent="assistant", session=None, owner=WAITING, created=1.0)
    with redis._client() as client:
        client.set("nbagent:run:text", "garbage")
        client.hset("nbagent:run:unreadable", mapping={**WAITING_RUN, "created": "soon"})
        client.xadd("nbagent:work:assistant", entry)
        await store.put_work(good, b"{}")
        taken: list[tuple[StoredRun, bytes]] = []
        while not taken:
            taken = await store.take_work(["assistant"], 1.0, lambda: 1)
        assert [(run.id, job) for run, job in taken] == [("run-good", b"{}")]
        assert client.xlen("nbagent:work:assistant") == 0
        assert client.xpending("nbagent:work:assistant", "servers")["pending"] == 0
    await store.close()


@pytest.mark.parametrize(
    "job",
    [
        b"garbage",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b'{"prompt": "go", "options": []}',
        {**GO, "options": {"unheard_of": 1}},
        {**GO, "options": {"timeout": "soon"}},
        {**GO, "prompt": 7},
        {**GO, "prompt": "x" * 2_000_000},
        {**GO, "answers": "some"},
    ],
    ids=lambda job: str(job)[:60],
)
@pytest.mark.usefixtures("no_garbage")
async def test_a_job_that_cannot_begin_fails_its_run_and_the_next_one_goes_on(
    hosts: MakeHost, redis: RedisServer, job: Any
) -> None:
    store = RedisEvents(redis.url)
    bad = StoredRun(id="run-bad", agent="assistant", session=None, owner=WAITING, created=1.0)
    good = StoredRun(id="run-good", agent="assistant", session=None, owner=WAITING, created=2.0)
    await store.put_work(bad, job if isinstance(job, bytes) else msgspec.json.encode(job))
    await store.put_work(good, msgspec.json.encode(GO))
    host = hosts(RedisEvents(redis.url))
    ends = [await end_of(await host.find(run.id)) for run in (bad, good)]
    assert [getattr(end, "status", None) for end in ends] == ["failed", "completed"]
    await store.close()


async def test_a_run_of_an_agent_that_is_not_served_fails(
    hosts: MakeHost, redis: RedisServer
) -> None:
    with redis._client() as client:
        client.hset("nbagent:run:run-1", mapping={**WAITING_RUN, "agent": "other"})
        client.xadd("nbagent:work:assistant", {"run": "run-1", "job": msgspec.json.encode(GO)})
    end = await end_of(await hosts(RedisEvents(redis.url)).find("run-1"))
    assert isinstance(end, e.RunEnd)
    assert end.status == "failed"


async def test_a_run_that_stands_in_the_queue_twice_is_given_once(redis: RedisServer) -> None:
    store = RedisEvents(redis.url)
    run = StoredRun(id="run-1", agent="assistant", session=None, owner=WAITING, created=1.0)
    await store.put_work(run, b"{}")
    with redis._client() as client:
        client.xadd("nbagent:work:assistant", {"run": "run-1", "job": b"{}"})
    taken = [await store.take_work(["assistant"], 0.1, lambda: 1) for _ in range(3)]
    assert [[run.id for run, _ in each] for each in taken] == [["run-1"], [], []]
    await store.close()


async def test_a_queue_of_another_type_leaves_the_other_agents_theirs(redis: RedisServer) -> None:
    store = RedisEvents(redis.url)
    run = StoredRun(id="run-1", agent="good", session=None, owner=WAITING, created=1.0)
    await store.put_work(run, b"{}")
    with redis._client() as client:
        client.set("nbagent:work:bad", "garbage")
    taken = await store.take_work(["bad", "good"], 0.1, lambda: 1)
    assert [run.id for run, _ in taken] == ["run-1"]
    await store.close()


async def test_a_command_that_something_else_has_written_is_skipped(redis: RedisServer) -> None:
    store = RedisEvents(redis.url)
    taken: list[bytes] = []

    async def take(command: bytes) -> bytes:
        taken.append(command)
        return b"done"

    with redis._client() as client:
        for entry in ({"x": "y"}, {"id": b"\xff", "command": b"{}"}, {"id": "1"}):
            client.xadd(f"nbagent:commands:{store.owner}", entry)
    serving = asyncio.create_task(store.serve(take))
    assert await store.ask(store.owner, b"go", 5.0) == b"done"
    assert taken == [b"go"]
    serving.cancel()
    await asyncio.wait([serving])
    await store.close()


async def test_a_run_that_cannot_be_read_leaves_the_others_to_be_ended(redis: RedisServer) -> None:
    url = f"{redis.url}?heartbeat_expires_ms=500"  # redis-server has run for longer than that
    dead, store = RedisEvents(url), RedisEvents(url)
    run = StoredRun(id="run-1", agent="assistant", session=None, owner=dead.owner, created=1.0)
    await dead.begin(run)
    await dead.close()
    with redis._client() as client:
        client.hset("nbagent:run:unreadable", mapping={"x": "y"})
        client.set("nbagent:run:text", "garbage")
        client.sadd(f"nbagent:owned:{dead.owner}", "unreadable", "text", b"\xff")
        client.sadd("nbagent:owners", b"\xff")
    assert [run.id for run in await store.abandoned()] == ["run-1"]
    await store.close()
