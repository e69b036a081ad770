"""Stores of served runs: the same rules for each, also when several processes use one."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis_server import RedisServer

from nbagent.errors import NbagentError
from nbagent.server.problem import Problem
from nbagent.server.stores.event_store import (
    WAITING,
    ChatPlace,
    EventStore,
    RunList,
    RunMissing,
    StoredRun,
    StoreUnreachable,
)
from nbagent.server.stores.redis_events import RedisEvents
from nbagent.server.stores.sqlite_events import SqliteEvents

Process = Callable[[], EventStore]
"""Returns the store as another process has it."""

LONG_S = 60.0
"""Seconds to wait for what comes: a wait that is not woken fails its test by the pace of the
whole.
"""


@pytest.fixture(params=["memory", "file", "redis"])
async def process(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Process]:
    made: list[EventStore] = []
    url = (
        request.getfixturevalue("redis").url + "?heartbeat_expires_ms=500"
        if request.param == "redis"
        else ""
    )

    def make() -> EventStore:
        if request.param == "memory" and made:
            return made[0]
        made.append(
            RedisEvents(url)
            if url
            else SqliteEvents(":memory:" if request.param == "memory" else tmp_path / "runs.db")
        )
        return made[-1]

    yield make
    for store in made:
        await store.close()


def run_of(
    store: EventStore, id: str = "run-1", session: str | None = None, owner: str | None = None
) -> StoredRun:
    owner = store.owner if owner is None else owner
    return StoredRun(id=id, agent="assistant", session=session, owner=owner, created=time.time())


# --- runs and events ---


async def test_events_come_back_after_a_number(process: Process) -> None:
    store, other = process(), process()
    run = run_of(store)
    assert await store.begin(run) is None
    assert await store.append("run-1", [(1, b"a"), (4, b"\x00\xff")], ended=False)
    assert await store.append("run-1", [(12, b"c")], ended=True)
    assert await other.read("run-1", 0) == [(1, b"a"), (4, b"\x00\xff"), (12, b"c")]
    assert await other.read("run-1", 4) == [(12, b"c")]
    found = await other.find("run-1")
    assert found is not None
    assert (found.agent, found.session, found.owner, found.created, found.ended) == (
        "assistant",
        None,
        store.owner,
        run.created,
        True,
    )


async def test_what_is_not_there_is_not_found(process: Process) -> None:
    store = process()
    assert await store.find("run-9") is None
    assert await store.of_session("nobody", 5) == []
    assert await store.listed() == RunList([], [])
    assert await store.read("run-9", 0) == []
    with pytest.raises(RunMissing):
        await store.append("run-9", [(1, b"a")], ended=False)


@settings(max_examples=20)
@given(sizes=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=8))
@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_events_that_are_sent_again_are_stored_once(
    kind: str, sizes: list[tuple[int, int]], request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("redis").url if kind == "redis" else ""

    async def check() -> None:
        store: EventStore = RedisEvents(url) if url else SqliteEvents(":memory:")
        run = run_of(store, f"run-{time.monotonic_ns()}")
        await store.begin(run)
        last = 0
        for back, more in sizes:
            first = max(1, last + 1 - back)
            last = first + more - 1
            assert await store.append(
                run.id, [(n, b"%d" % n) for n in range(first, last + 1)], ended=False
            )
            highest = max(last, max((seq for seq, _ in await store.read(run.id, 0)), default=0))
            assert await store.read(run.id, 0) == [(n, b"%d" % n) for n in range(1, highest + 1)]
            last = highest
        await store.close()

    asyncio.run(check())


async def test_a_run_ends_once(process: Process) -> None:
    stores = [process() for _ in range(4)]
    await stores[0].begin(run_of(stores[0]))
    await stores[0].append("run-1", [(1, b"start")], ended=False)
    ends = [(2, b"end %d" % number) for number in range(4)]
    said = await asyncio.gather(
        *(store.append("run-1", [end], ended=True) for store, end in zip(stores, ends, strict=True))
    )
    assert said.count(True) == 1
    winner = ends[said.index(True)]
    assert await stores[1].read("run-1", 0) == [(1, b"start"), winner]
    assert await stores[said.index(True)].append("run-1", [winner], ended=True), (
        "the same end, sent again"
    )
    assert not await stores[0].append("run-1", [(3, b"late")], ended=False)
    assert await stores[2].read("run-1", 1) == [winner]


async def test_a_run_that_begins_again_is_one(process: Process) -> None:
    store = process()
    run = run_of(store, session="s")
    assert await store.begin(run) is None
    await store.append("run-1", [(1, b"a")], ended=False)
    if isinstance(store, RedisEvents):
        assert await store.begin(run) is None
    assert await store.read("run-1", 0) == [(1, b"a")]


# --- waits ---


async def test_a_reader_in_another_process_is_told_of_each_event(process: Process) -> None:
    store, other = process(), process()
    await store.begin(run_of(store))
    for number in range(1, 6):
        reading = asyncio.create_task(other.read("run-1", number - 1, LONG_S))
        await asyncio.sleep(0)
        await store.append("run-1", [(number, b"x")], ended=number == 5)
        assert await reading == [(number, b"x")]
    assert await other.read("run-1", 5, 0.01) == []


async def test_a_watcher_in_another_process_is_told_of_a_sessions_runs(process: Process) -> None:
    store, other = process(), process()
    assert await other.next_in("s", None, 0.01) is None
    last = None
    for id in ("run-1", "run-2"):
        watching = asyncio.create_task(other.next_in("s", last, LONG_S))
        await asyncio.sleep(0)
        await store.begin(run_of(store, id, "s"))
        found = await watching
        assert found is not None
        assert found.id == id
        assert await other.of_session("s", 1) == [found]
        last = id
    assert [run.id for run in await other.of_session("s", 5)] == ["run-2", "run-1"]


async def test_the_list_of_runs_changes_when_one_begins_or_ends_in_any_process(
    process: Process,
) -> None:
    store, other = process(), process()
    known = RunList([], [])
    for change, going_on, ended in (
        (lambda: store.begin(run_of(store, "run-1", "s")), ["run-1"], []),
        (lambda: other.begin(run_of(other, "run-2")), ["run-2", "run-1"], []),
        (lambda: store.append("run-1", [(1, b"end")], ended=True), ["run-2"], ["run-1"]),
        (lambda: other.append("run-2", [(1, b"end")], ended=True), [], ["run-2", "run-1"]),
    ):
        watching = [asyncio.create_task(each.listed(known, LONG_S)) for each in (store, other)]
        await asyncio.sleep(0)
        await change()
        known, same = await asyncio.gather(*watching)
        assert known == same == await store.listed()
        assert ([run.id for run in known.going_on], [run.id for run in known.ended]) == (
            going_on,
            ended,
        )
    await store.begin(run_of(store, "run-3"))
    await store.append("run-3", [(1, b"a")], ended=False)
    known = await other.listed()
    assert await other.listed(known, 0.01) == known


async def test_the_list_of_runs_has_the_newest_ones(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sqlite_events", "redis_events"):
        monkeypatch.setattr(f"nbagent.server.stores.{module}.MAX_GOING_ON", 2)
        monkeypatch.setattr(f"nbagent.server.stores.{module}.MAX_ENDED", 3)
    store = process()
    for number in range(8):
        await store.begin(run_of(store, f"run-{number}"))
    for number in reversed(range(5)):
        await store.append(f"run-{number}", [(1, b"end")], ended=True)
    going_on, ended = await store.listed()
    assert [run.id for run in going_on] == ["run-7", "run-6"]
    assert [run.id for run in ended] == ["run-4", "run-3", "run-2"]


async def test_a_browser_session_that_was_ended_is_known_to_all(process: Process) -> None:
    store, other = process(), process()
    await store.log_out("session-1", time.time() + 60)
    await store.log_out("session-1", time.time() + 60)
    assert [await other.is_logged_out(session) for session in ("session-1", "session-2")] == [
        True,
        False,
    ]


async def test_a_chat_is_found_at_its_newest_run(process: Process) -> None:
    store, other = process(), process()
    await store.keep_chat("chat 1", ChatPlace("run-1", None))
    await store.keep_chat("chat 1", ChatPlace("run-2", "message 1"))
    assert await other.find_chat("chat 1") == ("run-2", "message 1")
    assert await other.find_chat("chat 2") is None


async def test_chats_of_runs_that_do_not_go_on_are_forgotten(tmp_path: Path) -> None:
    store = SqliteEvents(tmp_path / "runs.db")
    for id in ("run-1", "run-2"):
        await store.begin(run_of(store, id))
    await store.append("run-1", [(1, b"a")], ended=True)
    for chat, run in (("of no run", "run-0"), ("ended", "run-1"), ("goes on", "run-2")):
        await store.keep_chat(chat, ChatPlace(run, None))
    await store.keep_chat("next", ChatPlace("run-2", None))
    chats = ("of no run", "ended", "goes on")
    found = [await store.find_chat(chat) is not None for chat in chats]
    await store.close()
    assert found == [False, False, True]


# --- processes ---


async def test_a_command_reaches_its_process_and_the_reply_comes_back(process: Process) -> None:
    first, second, third = process(), process(), process()

    async def take(command: bytes) -> bytes:
        return b"done: " + command

    serving = [asyncio.create_task(store.serve(take)) for store in {first, second}]
    said = await asyncio.gather(
        *(third.ask(second.owner, b"%d" % number, LONG_S) for number in range(5))
    )
    assert said == [b"done: %d" % number for number in range(5)]
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


async def test_a_command_to_nobody_has_no_reply(process: Process) -> None:
    assert await process().ask("1:1:dead", b"stop", 0.05) is None


async def test_one_process_answers_in_a_session_at_a_time(process: Process) -> None:
    first, second = process(), process()
    assert await first.begin(run_of(first, "run-1", "s")) is None
    assert await first.begin(run_of(first, "run-2", "s")) is None, (
        "its own prompts wait for each other in the session itself"
    )
    refused = await second.begin(run_of(second, "run-3", "s"))
    if first is second:
        return
    assert refused is not None
    assert refused.id in ("run-1", "run-2")
    await first.append("run-2", [(1, b"end")], ended=True)
    refused = await second.begin(run_of(second, "run-3", "s"))
    assert refused is not None
    assert refused.id == "run-1", "the newest one has ended, an older one goes on"
    assert await second.find("run-3") is None
    assert await second.begin(run_of(second, "run-4", "other")) is None
    await first.append("run-1", [(1, b"end")], ended=True)
    assert await second.begin(run_of(second, "run-3", "s")) is None


async def test_runs_of_a_process_that_died_are_known(process: Process) -> None:
    store = process()
    await store.begin(run_of(store, "run-1"))
    await store.begin(run_of(store, "run-2", owner="999999999:1:dead"))
    await store.begin(run_of(store, "run-3", owner="999999999:1:dead"))
    await store.append("run-3", [(1, b"end")], ended=True)
    assert await store.is_alive(store.owner)
    assert not await store.is_alive("999999999:1:dead")
    assert [run.id for run in await store.abandoned()] == ["run-2"]
    await store.append("run-2", [(1, b"end")], ended=True)
    assert await store.abandoned() == []


# --- Redis ---


@pytest.fixture
async def redis_process(redis: RedisServer) -> AsyncIterator[Callable[[], RedisEvents]]:
    made: list[RedisEvents] = []

    def make() -> RedisEvents:
        made.append(RedisEvents(f"{redis.url}?heartbeat_expires_ms=500&keep_s=900"))
        return made[-1]

    yield make
    for store in made:
        await store.close()


def room() -> int:
    return 1


async def test_a_process_that_leaves_redis_is_not_alive(
    redis_process: Callable[[], RedisEvents],
) -> None:
    first, second = redis_process(), redis_process()
    await first.begin(run_of(first))
    assert await second.is_alive(first.owner)
    await first.close()
    assert not await second.is_alive(first.owner)


async def test_a_process_that_could_not_reach_redis_takes_no_other_for_dead(
    redis_process: Callable[[], RedisEvents], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(command: bytes) -> bytes:
        return command

    judge, other = redis_process(), redis_process()
    serving = asyncio.create_task(judge.serve(take))
    while not await other.is_alive(judge.owner):
        pass
    assert not await judge.is_alive("silent")
    # a minute without a beat
    monkeypatch.setattr(
        "nbagent.server.stores.redis_processes.monotonic", lambda: time.monotonic() + 60
    )
    assert await judge.is_alive("silent"), "the others could perhaps not reach it either"
    while await judge.is_alive("silent"):  # until they had the time to
        pass
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_ended_runs_are_kept_for_a_time(redis_process: Callable[[], RedisEvents]) -> None:
    store = redis_process()
    await store.begin(run_of(store, "run-1", "s"))
    await store.append("run-1", [(1, b"a")], ended=False)
    assert await store._redis.ttl("nbagent:run:run-1") == -1
    await store.append("run-1", [(2, b"end")], ended=True)
    keys = {
        key.decode(): await store._redis.ttl(key)
        async for key in store._redis.scan_iter("nbagent:*")
    }
    kept = {"nbagent:run:run-1", "nbagent:events:run-1", "nbagent:session:s"}
    assert {key for key, ttl in keys.items() if 0 < ttl <= 900} >= kept
    assert set(keys) - kept <= {
        "nbagent:owners",
        "nbagent:ended",
        "nbagent:changes",
        f"nbagent:alive:{store.owner}",
    }


async def test_work_is_taken_by_one_process(redis_process: Callable[[], RedisEvents]) -> None:
    poster, *takers = (redis_process() for _ in range(4))
    for number in range(6):
        await poster.put_work(run_of(poster, f"run-{number}", owner=WAITING), b"job %d" % number)
    taken: list[tuple[str, bytes, str]] = []

    async def take(store: RedisEvents) -> None:
        while found := await store.take_work(["assistant"], 0.05, room):
            taken.extend((run.id, job, run.owner) for run, job in found)

    await asyncio.gather(*map(take, takers))
    assert sorted((id, job) for id, job, _ in taken) == [
        (f"run-{number}", b"job %d" % number) for number in range(6)
    ]
    for id, _, owner in taken:
        run = await poster.find(id)
        assert run is not None
        assert run.owner == owner in {store.owner for store in takers}


async def test_work_given_to_a_process_that_died_before_it_began_is_taken_by_another(
    redis_process: Callable[[], RedisEvents],
) -> None:
    poster, other = redis_process(), redis_process()
    await poster.put_work(run_of(poster, owner=WAITING), b"job")
    await poster._redis.xgroup_create("nbagent:work:assistant", "servers", "0")
    assert await poster._redis.xreadgroup("servers", "dead", {"nbagent:work:assistant": ">"})
    found = await other.take_work(["assistant"], 0.01, room)
    while not found:  # until it has lain there for the time of a heartbeat
        found = await other.take_work(["assistant"], 0.1, room)
    assert [(run.id, run.owner, job) for run, job in found] == [("run-1", other.owner, b"job")]
    assert await poster.take_work(["assistant"], 0.01, room) == []


async def test_work_that_comes_to_a_process_without_room_waits_again(
    redis_process: Callable[[], RedisEvents],
) -> None:
    full, other = redis_process(), redis_process()
    await full.put_work(run_of(full, owner=WAITING), b"job")
    assert await full.take_work(["assistant"], 0.01, lambda: 0) == []
    assert [(run.id, job) for run, job in await other.take_work(["assistant"], 0.01, room)] == [
        ("run-1", b"job")
    ]
    assert await full.take_work(["assistant"], 0.01, room) == []


async def test_work_that_was_stopped_while_it_waited_is_not_taken(
    redis_process: Callable[[], RedisEvents],
) -> None:
    store = redis_process()
    await store.put_work(run_of(store, owner=WAITING), b"job")
    assert await store.append("run-1", [(1, b"end")], ended=True)
    assert await store.take_work(["assistant"], 0.01, room) == []


async def test_too_much_work_is_refused(
    redis_process: Callable[[], RedisEvents], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbagent.server.stores.redis_events.MAX_WAITING", 1)
    store = redis_process()
    await store.put_work(run_of(store, "run-1", owner=WAITING), b"job")
    with pytest.raises(Problem, match="wait already"):
        await store.put_work(run_of(store, "run-2", owner=WAITING), b"job")
    assert await store.find("run-2") is None


async def test_a_redis_that_is_not_there_is_named_without_its_password() -> None:
    store = RedisEvents("redis://user:hunter2hunter2@127.0.0.1:1/0")
    with pytest.raises(
        StoreUnreachable, match=r"redis://127\.0\.0\.1:1/0 does not answer"
    ) as caught:
        await store.find("run-1")
    assert "hunter2" not in str(caught.value)
    await store.close()


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(NbagentError, match="is no address of a Redis"):
        RedisEvents("redis://localhost?keep_s=long")
