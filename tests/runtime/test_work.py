"""Work beside the caller, with threads and without them."""

import asyncio
import concurrent.futures
import contextvars
import threading
import time

import preloaded
import pytest

from nbagent.runtime import work

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


def test_a_function_is_called_on_another_thread_in_the_callers_context() -> None:
    WHO.set("caller")
    seen: concurrent.futures.Future[tuple[str, str]] = concurrent.futures.Future()
    work.start(lambda: seen.set_result((WHO.get(), threading.current_thread().name)), name="other")
    assert seen.result(5) == ("caller", "other")


def test_a_call_that_comes_later_can_be_taken_back() -> None:
    called: concurrent.futures.Future[None] = concurrent.futures.Future()
    work.later(3600, lambda: called.set_result(None)).cancel()
    work.later(0.001, lambda: called.set_result(None))
    called.result(5)


async def test_off_the_loop_a_function_may_block() -> None:
    release = threading.Event()
    waiting = asyncio.create_task(work.off_loop(lambda: release.wait(5)))
    await asyncio.sleep(0)
    release.set()
    assert await waiting


async def test_a_cancelled_wait_leaves_the_function_behind() -> None:
    release = threading.Event()
    waiting = asyncio.create_task(work.off_loop(lambda: release.wait(5)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    release.set()


def test_a_block_ends_with_the_future_whatever_it_holds() -> None:
    done: concurrent.futures.Future[None] = concurrent.futures.Future()
    with pytest.raises(TimeoutError):
        work.block(done, 0.01)
    done.set_exception(ValueError())
    work.block(done)


def test_a_function_is_left_behind_after_its_time() -> None:
    release = threading.Event()
    work.run_at_most(0.01, lambda: release.wait(5), name="slow")
    release.set()
    written: list[int] = []
    work.run_at_most(5, lambda: written.append(1), name="quick")
    assert written == [1]


def test_an_alarm_calls_at_the_times_asked_for_and_when_it_is_rung() -> None:
    waits = iter([0.001, None, None])
    calls: list[int] = []
    changed = threading.Condition()

    def call() -> float | None:
        with changed:
            calls.append(1)
            changed.notify()
        return next(waits)

    alarm = work.alarm(call, name="alarm")
    with changed:
        assert changed.wait_for(lambda: len(calls) == 2, 5)
    alarm.ring()
    with changed:
        assert changed.wait_for(lambda: len(calls) == 3, 5)


def test_a_wait_may_sleep() -> None:
    begun = time.monotonic()
    work.sleep(0.01)
    assert time.monotonic() > begun


def test_an_alarm_makes_no_call_while_the_interpreter_ends() -> None:
    # functions of `atexit` are called last first, and the interpreter ends after them
    script = """
import atexit, time
calls = []
def watch():
    before = len(calls)
    time.sleep(0.1)
    print(before > 0, len(calls) - before)
atexit.register(watch)
from nbagent.runtime import work
def call():
    calls.append(None)
    return 0.001
work.alarm(call, name="test")
while not calls:
    time.sleep(0.001)
"""
    done = preloaded.run("-c", script, timeout=60)
    assert (done.stdout, done.stderr) == ("True 0\n", "")
