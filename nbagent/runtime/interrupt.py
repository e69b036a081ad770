"""Interrupts: Ctrl-C, and a kernel's interrupt button.

Who waits on the main thread's event loop sees one as a cancellation, and late: Python runs the signal's handler amid the
loop's wait for I/O and then goes on waiting. And a plain loop, such as the one of IPython's terminal, is left with a
KeyboardInterrupt that nobody inside it sees. `watch` mends all three: it wakes the loop, tells an interrupt from another
cancellation, and calls back where no cancellation will come.
"""

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from nbagent.runtime.loop import loop

JUST_NOW = 2.0
"""Seconds in which an interrupt has become a cancellation, on the busiest machine."""


@contextlib.contextmanager
def watch(home: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """While this lasts, a signal wakes the loop, so that an interrupt is seen at once.

    Gives a function: whether an interrupt came just now, so that the cancellation in hand is its work. It says no where
    interrupts cannot be seen: on another thread, and where somebody else has set the process's wake-up.

    Args:
        home: the loop that runs here.
        stop: called at an interrupt that leaves the loop by KeyboardInterrupt, on nbagent's own loop; it must not wait.
    """
    global _alarm
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    alarm = _alarm
    if alarm is None or alarm.home is not home:
        if alarm is not None:  # its loop was left by an interrupt, and those who waited there may wait for ever
            alarm.close()
        alarm = _alarm = _Alarm(home)
    alarm.stops.append(stop)
    try:
        yield alarm.rang
    finally:
        alarm.stops.remove(stop)
        # An iteration that nobody finished is closed by whoever collects it; then the next who watches puts the wake-up back.
        if not alarm.stops and threading.current_thread() is threading.main_thread():
            alarm.close()
            if _alarm is alarm:
                _alarm = None


class _Alarm:
    """The wake-up of one loop, shared by all who watch there. Where somebody has set another one already, that stays."""

    def __init__(self, home: asyncio.AbstractEventLoop) -> None:
        self.home = home
        self.stops: list[Callable[[], object]] = []
        self._rang_at = -JUST_NOW
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        before = signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
        else:
            with contextlib.suppress(NotImplementedError):  # a loop of Windows' own kind
                home.add_reader(self._ours, self.rang)
        if (
            signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):  # neither a kernel nor asyncio.run will cancel anything
            signal.signal(signal.SIGINT, self._leave)

    def rang(self) -> bool:
        """Whether an interrupt came just now."""
        with contextlib.suppress(OSError):  # nothing new, or closed
            if signal.SIGINT in self._ours.recv(4096):
                self._rang_at = time.monotonic()
        return time.monotonic() - self._rang_at < JUST_NOW

    def close(self) -> None:
        if self._ours.fileno() == -1:
            return
        latest = signal.set_wakeup_fd(-1)
        if latest != self._theirs.fileno():  # somebody else's: theirs to take away
            signal.set_wakeup_fd(latest)
        if not self.home.is_closed():
            with contextlib.suppress(NotImplementedError):
                self.home.remove_reader(self._ours)
        self._ours.close()
        self._theirs.close()
        self._give_back()

    def _leave(self, signum: int, frame: FrameType | None) -> None:
        self._give_back()
        for stop in self.stops:
            loop().call_soon_threadsafe(stop)  # a signal's handler must not wait for a lock that this thread may hold
        signal.default_int_handler(signum, frame)

    def _give_back(self) -> None:
        if signal.getsignal(signal.SIGINT) == self._leave:
            signal.signal(signal.SIGINT, signal.default_int_handler)


_alarm: _Alarm | None = None
