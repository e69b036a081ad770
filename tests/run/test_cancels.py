"""A stream that is stopped, in whatever way and at whatever moment, leaves no connection, task,
thread or memory behind.
"""

import asyncio
import contextlib
import gc
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import psutil
import pytest
from campaign import figure

import nbagent
from nbagent.demo import DemoServer
from nbagent.run import Run
from nbagent.runtime import loop

CANCELS = 1000
WARM_UP = 24
"""Cancels before the count begins, so that objects that are made once and kept exist."""

CLOSED_WITHIN_S = 0.5
"""Seconds after a cancel within which the connection to the model must close."""

LONG = "Give me a long answer about streams, and think first."


class ServerWithClients:
    """A model's server and its clients, for long answers.

    Args:
        server: too slow to reach the end of an answer.
    """

    def __init__(self, server: DemoServer) -> None:
        self.server = server
        self.asking = openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key)
        self.plain = openai.OpenAI(base_url=server.base_url, api_key=server.api_key)
        self.agent = nbagent.Agent(model="demo", name="demo", client=self.asking)

    async def close(self) -> None:
        await self.asking.close()
        self.plain.close()


async def agent_run(clients: ServerWithClients, moment: int) -> None:
    run = started(clients.agent.stream(LONG))
    await reach(run, moment)
    run.cancel()
    await stopped(run)


async def agent_run_from_a_thread(clients: ServerWithClients, moment: int) -> None:
    run = started(clients.agent.stream(LONG))
    await reach(run, moment)
    await asyncio.to_thread(run.cancel)
    await asyncio.to_thread(run.wait, 5)
    assert run.status == "cancelled"


async def awaiting_task(clients: ServerWithClients, moment: int) -> None:
    run = started(clients.agent.stream(LONG))
    task = asyncio.ensure_future(run)
    await asyncio.sleep(0)  # a task that is cancelled before its first step has awaited nothing yet
    await reach(run, moment)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stopped(run)


async def closed_generator(clients: ServerWithClients, moment: int) -> None:
    stream = clients.agent.stream(LONG)
    async with contextlib.aclosing(stream):
        for _ in range(moment):
            await anext(stream)


async def cancelled_reader(clients: ServerWithClients, moment: int) -> None:
    came = asyncio.Event()
    left = moment

    async def read() -> None:
        nonlocal left
        async for _ in clients.agent.stream(LONG):
            left -= 1
            if left <= 0:
                came.set()

    task = asyncio.create_task(read())
    await came.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def plain_generator(clients: ServerWithClients, moment: int) -> None:
    def read() -> None:
        with contextlib.closing(clients.agent.stream(LONG)) as stream:
            for _ in range(moment):
                next(stream)

    await asyncio.to_thread(read)


async def dropped_stream(clients: ServerWithClients, moment: int) -> None:
    stream = clients.agent.stream(LONG)
    for _ in range(moment):
        await anext(stream)


async def sdk_async_responses(clients: ServerWithClients, moment: int) -> None:
    await stop_run(
        await clients.asking.responses.create(model="demo", input=LONG, stream=True), moment
    )


async def sdk_async_not_awaited(clients: ServerWithClients, moment: int) -> None:
    await stop_run(clients.asking.responses.create(model="demo", input=LONG, stream=True), moment)


async def sdk_async_manager(clients: ServerWithClients, moment: int) -> None:
    # The SDK's manager holds a coroutine, and Python complains of one that nobody ever awaited.
    await stop_run(clients.asking.responses.stream(model="demo", input=LONG), max(moment, 1))


async def sdk_async_chat(clients: ServerWithClients, moment: int) -> None:
    messages: Any = [{"role": "user", "content": LONG}]
    await stop_run(
        await clients.asking.chat.completions.create(model="demo", messages=messages, stream=True),
        moment,
    )


async def sdk_plain_responses(clients: ServerWithClients, moment: int) -> None:
    await stop_run(
        await asyncio.to_thread(
            clients.plain.responses.create, model="demo", input=LONG, stream=True
        ),
        moment,
    )


async def sdk_plain_chat(clients: ServerWithClients, moment: int) -> None:
    messages: Any = [{"role": "user", "content": LONG}]
    create: Any = clients.plain.chat.completions.create
    await stop_run(
        await asyncio.to_thread(create, model="demo", messages=messages, stream=True), moment
    )


WAYS: list[Callable[[ServerWithClients, int], Awaitable[None]]] = [
    agent_run,
    agent_run_from_a_thread,
    awaiting_task,
    closed_generator,
    cancelled_reader,
    plain_generator,
    dropped_stream,
    sdk_async_responses,
    sdk_async_not_awaited,
    sdk_async_manager,
    sdk_async_chat,
    sdk_plain_responses,
    sdk_plain_chat,
]


def started(source: Any) -> Run:
    run = Run(source)
    run.start()
    return run


async def reach(run: Run, moment: int) -> None:
    """Wait until the run has had that many events; with 0 return at once, before any request."""
    events: AsyncIterator[Any] = run.stream()
    for _ in range(moment):
        await anext(events)


async def stopped(run: Run) -> None:
    await asyncio.wait_for(run, 5)
    assert run.status == "cancelled"


async def stop_run(source: Any, moment: int) -> None:
    run = started(source)
    await reach(run, moment)
    run.cancel()
    await stopped(run)


class ResourceCounts:
    """Counts of the resources that this process holds."""

    def __init__(self, tasks: int, threads: int, sockets: int, objects: int) -> None:
        self.tasks = tasks
        self.threads = threads
        self.sockets = sockets
        self.objects = objects
        self.memory = psutil.Process().memory_info().rss

    @classmethod
    async def take(cls) -> "ResourceCounts":
        gc.collect()
        await asyncio.sleep(0)
        tasks = len(await asyncio.wrap_future(loop.submit(others())))
        gc.collect()
        sockets = len(psutil.Process().net_connections())
        return cls(tasks, threading.active_count(), sockets, len(gc.get_objects()))


async def others() -> list[Any]:
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def settled(base: ResourceCounts | None = None) -> ResourceCounts:
    """Wait until the counts are back at `base`: threads and tasks end shortly after their
    connection.
    """
    end = time.monotonic() + 5
    while True:
        now = await ResourceCounts.take()
        if base is None or (
            now.tasks <= base.tasks and now.threads <= base.threads and now.sockets <= base.sockets
        ):
            return now
        if time.monotonic() > end:
            return now
        await asyncio.to_thread(threading.Event().wait, 0.05)


@pytest.mark.proof
@pytest.mark.timeout(600)
async def test_cancelled_streams_leave_nothing_behind() -> None:
    dice = random.Random(3)
    slowest = 0.0
    # of which no more threads come by and by
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    with DemoServer(tokens_per_second=200) as server:
        clients = ServerWithClients(server)

        async def cancel(index: int) -> float:
            way = WAYS[index % len(WAYS)]
            # Some streams yield nothing before their connection is up: those begin with their first
            # item.
            moment = dice.choice((0, 0, 1, 2, 3, 8, 20))
            await way(clients, moment)
            began = time.monotonic()
            closed = await asyncio.to_thread(
                server.wait_for, lambda server: not server.open_streams, CLOSED_WITHIN_S
            )
            assert closed, f"{way.__name__} at {moment}"
            return time.monotonic() - began

        for index in range(WARM_UP):
            await cancel(index)
        base = await settled()
        for index in range(CANCELS):
            slowest = max(slowest, await cancel(index))
        left = await settled(base)
        await clients.close()
        assert server.open_streams == 0
    figure("cancel", "cancels, in 13 ways", CANCELS)
    figure("cancel", "slowest close of a connection", f"{slowest:.3f} s")
    figure(
        "cancel",
        "sockets, tasks and threads more than before",
        (left.sockets - base.sockets, left.tasks - base.tasks, left.threads - base.threads),
    )
    figure(
        "cancel",
        "objects more than before, for each cancel",
        f"{(left.objects - base.objects) / CANCELS:.2f}",
    )
    figure("cancel", "memory more than before", f"{(left.memory - base.memory) / 2**20:.1f} MB")
    assert (left.tasks, left.threads, left.sockets) <= (base.tasks, base.threads, base.sockets)
    assert left.objects - base.objects < CANCELS
