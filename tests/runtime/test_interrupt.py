"""Interrupts: seen at once, distinguished from other cancellations, and without a trace of the
watch afterwards.
"""

import asyncio
import os
import signal
import socket
import sys
import threading

import pytest

from nbagent.runtime.interrupt import watch_interrupts


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGUSR1")
@pytest.mark.timeout(20)
def test_a_signal_wakes_the_loop_that_waits() -> None:
    async def wait() -> str:
        woken = asyncio.get_running_loop().create_future()
        before = signal.signal(signal.SIGUSR1, lambda *_: woken.set_result("woken"))
        try:
            with watch_interrupts(asyncio.get_running_loop(), print):
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                # set by the handler, which by itself leaves the loop asleep
                return str(await woken)
        finally:
            signal.signal(signal.SIGUSR1, before)

    assert asyncio.run(wait()) == "woken"
    assert signal.set_wakeup_fd(-1) == -1


async def test_a_wake_up_that_somebody_else_sets_meanwhile_stays() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        with watch_interrupts(asyncio.get_running_loop(), print):
            signal.set_wakeup_fd(theirs.fileno())
        assert signal.set_wakeup_fd(-1) == theirs.fileno()


async def test_an_interrupt_is_told_from_another_cancellation() -> None:
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with watch_interrupts(asyncio.get_running_loop(), print) as interrupted:
            assert not interrupted()
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_leaves_a_plain_loop_calls_who_waited_there() -> None:
    called = threading.Event()
    home = asyncio.new_event_loop()

    async def wait() -> None:
        with watch_interrupts(home, called.set):
            # between the tasks, where a loop is most of the time
            home.call_soon(os.kill, os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()

    task = home.create_task(wait())
    with pytest.raises(KeyboardInterrupt):
        home.run_until_complete(task)
    assert called.wait(5)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        home.run_until_complete(task)
    home.close()
    assert signal.set_wakeup_fd(-1) == -1


def test_on_another_thread_nothing_is_touched() -> None:
    async def wait() -> bool:
        with watch_interrupts(asyncio.get_running_loop(), print) as interrupted:
            return interrupted() or signal.getsignal(signal.SIGINT) is not before

    before = signal.getsignal(signal.SIGINT)
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(wait())))
    thread.start()
    thread.join()
    assert results == [False]
