"""Interrupts: Ctrl-C, and a kernel's interrupt button.

Who waits on the main thread's event loop sees one as a cancellation, and late: Python runs the signal's handler in the middle
of the loop's wait for I/O and then goes on waiting. And a plain loop, such as the one of IPython's terminal, is left with a
KeyboardInterrupt that nobody inside it sees. `watch` mends all three: it wakes the loop, tells an interrupt from another
cancellation, and calls back where no cancellation will come.
"""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from nbagent.loop import loop


class Watch:
    """Whether an interrupt came since the last `reset`."""

    def __init__(self, alarm: "_Alarm | None") -> None:
        self._alarm = alarm
        self._seen = 0
        self.reset()

    def reset(self) -> None:
        """Forget what came."""
        if self._alarm is not None:
            self._seen = self._alarm.count()

    @property
    def came(self) -> bool:
        """True if one came; False also where they cannot be seen (another thread, somebody else's wake-up)."""
        return self._alarm is not None and self._alarm.count() > self._seen


@contextlib.contextmanager
def watch(home: asyncio.AbstractEventLoop, stop: Callable[[], object]) -> Iterator[Watch]:
    """While this lasts, a signal wakes the loop, so that an interrupt is seen at once.

    Args:
        home: the loop that runs here.
        stop: called at an interrupt that leaves the loop by KeyboardInterrupt, on nbagent's own loop; it must not wait.
    """
    global _alarm
    if threading.current_thread() is not threading.main_thread():
        yield Watch(None)
        return
    alarm = _alarm
    if alarm is None or alarm.home is not home:
        if alarm is not None:  # its loop was left by an interrupt, and those who waited there may wait for ever
            alarm.close()
        alarm = _alarm = _Alarm(home)
    alarm.stops.append(stop)
    try:
        yield Watch(alarm)
    finally:
        alarm.stops.remove(stop)
        if not alarm.stops:
            alarm.close()
            if _alarm is alarm:
                _alarm = None


class _Alarm:
    """The wake-up of one loop, shared by all who watch there. Where somebody has set another one already, that stays."""

    def __init__(self, home: asyncio.AbstractEventLoop) -> None:
        self.home = home
        self.stops: list[Callable[[], object]] = []
        self._count = 0
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._theirs.setblocking(False)
        before = signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
        else:
            with contextlib.suppress(NotImplementedError):  # a loop of Windows' own kind
                home.add_reader(self._ours, self.count)
        if (
            signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):  # neither a kernel nor asyncio.run will cancel anything
            signal.signal(signal.SIGINT, self._leave)

    def count(self) -> int:
        """Interrupts so far."""
        with contextlib.suppress(OSError):  # nothing new, or closed
            self._count += self._ours.recv(4096).count(signal.SIGINT)
        return self._count

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
