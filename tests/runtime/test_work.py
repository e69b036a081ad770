"""Work beside the caller, with threads and without them."""

import asyncio
import concurrent.futures
import contextvars
import subprocess
import sys
import threading
import time

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


PAGE = """
import asyncio, threading
import nbagent
from nbagent import events
from nbagent.run import Run
from nbagent.run.lanes import Lanes
from nbagent.runtime import work

def refuse(self):
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse
work._form = work.Page()

class Lines:
    def __init__(self):
        self.batches = []
    def draw(self, seq, ops):
        self.batches.append(ops)

async def words(count, pause=0.0):
    for number in range(count):
        await asyncio.sleep(pause)
        yield f"word {number} "

def failing():
    raise OSError("no connection")
    yield

async def main():
    # a plain iterable and an async one, several at once, and a function for each delta
    seen = []
    run = Run(iter(["a ", "b"])).on("text.delta", lambda event: seen.append(event.delta))
    await run
    assert (run.status, run.text) == ("completed", "a b"), run
    assert "".join(seen) == "a b", seen
    assert (await Run(words(3))).text == "word 0 word 1 word 2 "
    lanes = await Run(Lanes([words(2), iter(["x"])]))
    assert lanes.status == "completed", lanes
    fell_back = await Run(failing(), fallback=lambda: "whole answer")
    assert fell_back.text == "whole answer", fell_back
    # Stop, a stream that ignores it, and the limits of time
    stopped = Run(words(1000, 0.01))
    stopped.start()
    await asyncio.sleep(0.05)
    stopped.cancel()
    await stopped
    assert stopped.status == "cancelled", stopped
    assert (await Run(words(1000, 0.01), timeout=0.05)).status == "failed"
    assert (await Run(words(2, 60), idle_timeout=0.05)).status == "failed"
    # a chat
    made = nbagent.chat(lambda messages: words(2), name="page")
    assert await made.ask("Hello") == "word 0 word 1 "
    made.close()
    # batches reach a renderer while the run goes on
    shown = Run(words(1000, 0.01))
    lines = Lines()
    shown.attach(lines)
    shown.start()
    await asyncio.sleep(0.3)
    assert len(lines.batches) > 1, lines.batches
    shown.cancel()
    await shown

asyncio.run(main())
print("done")
"""


def test_runs_need_no_threads() -> None:
    made = subprocess.run(
        [sys.executable, "-c", PAGE], capture_output=True, text=True, timeout=60, check=False
    )
    assert (made.stdout[-5:], made.stderr) == ("done\n", "")
