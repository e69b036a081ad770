"""Items from nbagent's loop to any reader: all of them, in order, bounded, and stoppable."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbagent.agent.run.cross_loop_queue import MAX_WAITING_ITEMS, CrossLoopQueue, Put
from nbagent.runtime import loop


def counting(
    until: int | None, log: list[Any], ended: threading.Event
) -> Callable[[Put[Any]], Any]:
    """Return a producer of 0, 1, 2, …, that keeps a log and puts a last item when it is stopped."""

    async def produce(put: Put[Any]) -> None:
        number = 0
        try:
            while number != until:
                await put(number)
                log.append(number)
                number += 1
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            await put("stopped")
        ended.set()

    return produce


def read(queue: CrossLoopQueue[Any]) -> Any:
    while isinstance(taken := queue.take(), Future):
        taken.result()
    return taken


async def read_async(queue: CrossLoopQueue[Any]) -> AsyncIterator[Any]:
    while True:
        taken = queue.take()
        if isinstance(taken, Future):
            await asyncio.wrap_future(taken)
        elif taken is None:
            return
        else:
            yield taken


@pytest.mark.parametrize(
    "count", [0, 1, MAX_WAITING_ITEMS, MAX_WAITING_ITEMS + 1, 5 * MAX_WAITING_ITEMS]
)
def test_plain_code_gets_everything_in_order(count: int) -> None:
    queue = CrossLoopQueue(counting(count, [], threading.Event()))

    assert list(iter(lambda: read(queue), None)) == list(range(count))
    assert queue.take() is None


async def test_a_loop_of_the_readers_own_gets_everything_in_order() -> None:
    queue = CrossLoopQueue(counting(1000, [], threading.Event()))

    assert [item async for item in read_async(queue)] == list(range(1000))


def test_nbagents_own_loop_may_read_too() -> None:
    async def all_of_it() -> list[Any]:
        return [
            item async for item in read_async(CrossLoopQueue(counting(1000, [], threading.Event())))
        ]

    assert loop.submit(all_of_it()).result(30) == list(range(1000))


def test_nothing_happens_before_the_first_item_is_asked_for() -> None:
    log: list[Any] = []
    queue = CrossLoopQueue(counting(3, log, threading.Event()))

    loop.submit(asyncio.sleep(0)).result()
    assert log == []
    assert read(queue) == 0


def test_the_producer_waits_for_a_reader_that_lags() -> None:
    log: list[Any] = []
    queue = CrossLoopQueue(counting(10 * MAX_WAITING_ITEMS, log, threading.Event()))
    full = Future[None]()

    async def until_it_waits() -> None:
        seen = -1
        while seen != len(log):  # it makes progress on every turn of the loop unless it waits
            seen = len(log)
            for _ in range(5):
                await asyncio.sleep(0)
        full.set_result(None)

    assert read(queue) == 0
    loop.submit(until_it_waits())
    full.result(30)

    assert len(log) <= MAX_WAITING_ITEMS + 2
    assert list(iter(lambda: read(queue), None)) == list(range(1, 10 * MAX_WAITING_ITEMS))


def test_what_waits_is_taken_at_once_and_the_producer_goes_on() -> None:
    queue = CrossLoopQueue(counting(5 * MAX_WAITING_ITEMS, [], threading.Event()))

    first = read(queue)
    waiting = queue.take_all()
    rest = list(iter(lambda: read(queue), None))

    assert [first, *waiting, *rest] == list(range(5 * MAX_WAITING_ITEMS))


@pytest.mark.parametrize("taken", [1, MAX_WAITING_ITEMS, 3 * MAX_WAITING_ITEMS])
def test_a_stopped_producer_says_its_last_words_and_ends(taken: int) -> None:
    ended = threading.Event()
    queue = CrossLoopQueue(counting(None, [], ended))
    for number in range(taken):
        assert read(queue) == number

    queue.stop()
    queue.stop()

    assert ended.wait(30)
    rest = list(iter(lambda: read(queue), None))
    assert rest == [*range(taken, taken + len(rest) - 1), "stopped"]
    assert len(rest) <= MAX_WAITING_ITEMS + 2


async def test_stopped_before_it_began_it_still_ends_properly() -> None:
    queue = CrossLoopQueue(counting(None, [], threading.Event()))
    queue.stop()
    await queue.stopped()

    items = [item async for item in read_async(queue)]

    assert items[-1] == "stopped"
    assert len(items) <= 2


async def test_stopped_is_awaited_until_the_clean_up_is_done() -> None:
    ended = threading.Event()
    queue = CrossLoopQueue(counting(None, [], ended))
    async for _ in read_async(queue):
        break
    queue.stop()
    await queue.stopped()

    assert ended.is_set()


async def test_a_reader_that_is_cancelled_loses_nothing_for_the_next_one() -> None:
    release = asyncio.Event()

    async def produce(put: Put[str]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(release.wait(), home))
        await put("late")

    home = asyncio.get_running_loop()
    queue = CrossLoopQueue(produce)

    async def first() -> list[str]:
        return [item async for item in read_async(queue)]

    reader = asyncio.create_task(first())
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    release.set()

    assert [item async for item in read_async(queue)] == ["late"]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(0, 2 * MAX_WAITING_ITEMS), max_size=4),
    st.integers(0, 3 * MAX_WAITING_ITEMS),
)
def test_readers_on_changing_loops_share_one_sequence(bursts: list[int], count: int) -> None:
    queue = CrossLoopQueue(counting(count, [], threading.Event()))
    got: list[Any] = []

    async def some(many: int) -> None:
        if many:
            async for item in read_async(queue):
                got.append(item)
                many -= 1
                if not many:
                    return

    for position, burst in enumerate(bursts):
        if position % 2:
            loop.submit(some(burst)).result(30)
        else:
            asyncio.run(some(burst))
    got += iter(lambda: read(queue), None)

    assert got == list(range(count))
