"""Interrupts: seen at once, told from other cancellations, and no trace of the watch afterwards."""

import asyncio
import os
import signal
import socket
import sys
import threading

import pytest

from nbagent.interrupt import watch


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGUSR1")
@pytest.mark.timeout(20)
def test_a_signal_wakes_the_loop_that_waits() -> None:
    async def wait() -> str:
        told = asyncio.get_running_loop().create_future()
        before = signal.signal(signal.SIGUSR1, lambda *_: told.set_result("woken"))
        try:
            with watch(asyncio.get_running_loop(), print):
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                return str(await told)  # set by the handler, which by itself leaves the loop asleep
        finally:
            signal.signal(signal.SIGUSR1, before)

    assert asyncio.run(wait()) == "woken"
    assert signal.set_wakeup_fd(-1) == -1


async def test_a_wake_up_that_somebody_else_sets_meanwhile_stays() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        with watch(asyncio.get_running_loop(), print):
            signal.set_wakeup_fd(theirs.fileno())
        assert signal.set_wakeup_fd(-1) == theirs.fileno()
