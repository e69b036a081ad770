"""nbagent's own loop: one thread, from anywhere, with the caller's context."""

import asyncio
import contextvars
import os
import threading

import pytest

from nbagent.runtime import loop, work
from nbagent.runtime.per_process import PerProcess

user = contextvars.ContextVar("user", default="nobody")


async def test_there_is_one_loop_on_a_daemon_thread_of_its_own() -> None:
    async def here() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
        return asyncio.get_running_loop(), threading.current_thread()

    found, thread = await asyncio.wrap_future(loop.submit(here()))

    assert found is loop.loop() is not asyncio.get_running_loop()
    assert thread.daemon
    assert thread is not threading.current_thread()


def test_threads_that_start_it_together_get_the_same_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_own", PerProcess(work.new_loop))
    barrier = threading.Barrier(8)
    found: list[asyncio.AbstractEventLoop] = []

    def start() -> None:
        barrier.wait()
        found.append(loop.loop())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert set(found) == {loop.loop()}

    async def here() -> threading.Thread:
        return threading.current_thread()

    own = loop.submit(here()).result()
    found[0].call_soon_threadsafe(found[0].stop)
    own.join(10)
    assert not own.is_alive()


def test_a_coroutine_sees_the_context_variables_of_its_submitter() -> None:
    async def ask() -> str:
        return user.get()

    token = user.set("cell 7")
    try:
        future = loop.submit(ask())
    finally:
        user.reset(token)

    assert future.result() == "cell 7"
    assert loop.submit(ask()).result() == "nobody"


def test_cancelling_the_future_cancels_the_coroutine() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def sleep() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    future = loop.submit(sleep())
    begun.wait()
    future.cancel()

    assert cancelled.wait(10)


def test_a_task_that_exits_does_not_end_the_loop() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def stay() -> str:
        return "still here"

    with pytest.raises(SystemExit):
        loop.submit(leave()).result()
    assert loop.submit(stay()).result() == "still here"


def test_it_knows_whether_it_is_the_current_loop() -> None:
    async def ask() -> bool:
        return loop.is_current()

    assert loop.submit(ask()).result()
    assert not loop.is_current()
    assert not asyncio.run(ask())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_gets_a_loop_that_runs() -> None:
    async def answer() -> int:
        return 42

    assert loop.submit(answer()).result() == 42
    with loop._own._lock:
        # The worst moment to fork: the child's copy of this lock is never released.
        child = os.fork()
        if child == 0:
            os._exit(loop.submit(answer()).result())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
