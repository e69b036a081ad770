"""Prompts that find no room in their process, and runs that another process has ended."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
from agent.server import Exchange, chat, chat_chunk
from agent.server import Server as ModelServer
from redis_server import RedisServer

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.server.hosting.commands import Reply
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.limits import Limits
from nbagent.server.problem import Problem
from nbagent.server.stores.event_store import EventStore, StoredRun
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
