"""SIGINT: Ctrl-C, and a kernel's interrupt button.

A coroutine on the main thread's event loop sees SIGINT as a cancellation, and late: Python runs the
signal's handler inside the loop's wait for I/O, and then goes on waiting. A plain loop, such as
that of IPython's terminal, is left by a KeyboardInterrupt that no coroutine in it sees.
`watch_interrupts` wakes the loop, distinguishes SIGINT from other causes of a cancellation, and
calls back where no cancellation will come.
"""

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from nbagent.runtime import work
from nbagent.runtime.loop import loop

RECENT_S = 2.0
"""Seconds after SIGINT in which a cancellation counts as its effect.

On the busiest machine tried it came sooner.
"""


@contextlib.contextmanager
def watch_interrupts(
    home: asyncio.AbstractEventLoop, on_interrupt: Callable[[], object]
) -> Iterator[Callable[[], bool]]:
    """Wake the loop at every signal while this lasts, so that SIGINT is seen at once.

    Args:
        home: the loop that runs here.
        on_interrupt: called when SIGINT leaves the loop by KeyboardInterrupt; on nbagent's own
            loop, so it must not block.

    Yields:
        A function that returns True if SIGINT arrived within the last 2 s, i.e. caused the current
        `CancelledError`. It always returns False where signals cannot be watched: on another
        thread, and where other code has set the process's wake-up.
    """
    global _watcher
    if work.in_page() or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    watcher = _watcher
    if watcher is None or watcher.home is not home:
        if watcher is not None:
            # An interrupt has left its loop, and coroutines that wait there may wait for ever.
            watcher.close()
        watcher = _watcher = SigintWatcher(home)
    watcher.callbacks.append(on_interrupt)
    try:
        yield watcher.recently_fired
    finally:
        watcher.callbacks.remove(on_interrupt)
        # An async generator that was dropped may be closed on another thread, where no wake-up can
        # be set. The next call closes its watcher then.
        if not watcher.callbacks and threading.current_thread() is threading.main_thread():
            watcher.close()
            if _watcher is watcher:
                _watcher = None


class SigintWatcher:
    """The signal wake-up of one loop, shared by all that watch there.

    A wake-up that other code has set stays.

    Args:
        home: the loop.

    Attributes:
        callbacks: called when SIGINT leaves the loop by KeyboardInterrupt.
    """

    def __init__(self, home: asyncio.AbstractEventLoop) -> None:
        self.home = home
        self.callbacks: list[Callable[[], object]] = []
        self._fired_at = -RECENT_S
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        before = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
        else:
            with contextlib.suppress(NotImplementedError):  # Windows' proactor loop
                home.add_reader(self._reading, self.recently_fired)
        # Python's default handler: neither a kernel nor asyncio.run will turn SIGINT into a
        # cancellation.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._leave)

    def recently_fired(self) -> bool:
        """Return True if SIGINT arrived within the last 2 s."""
        with contextlib.suppress(OSError):  # nothing to read, or closed
            if signal.SIGINT in self._reading.recv(4096):
                self._fired_at = time.monotonic()
        return time.monotonic() - self._fired_at < RECENT_S

    def close(self) -> None:
        """Take the wake-up and the handler away; a second call does nothing."""
        if self._reading.fileno() == -1:
            return
        latest = signal.set_wakeup_fd(-1)
        if latest != self._writing.fileno():  # set by other code, which removes it itself
            signal.set_wakeup_fd(latest)
        if not self.home.is_closed():
            with contextlib.suppress(NotImplementedError):
                self.home.remove_reader(self._reading)
        self._reading.close()
        self._writing.close()
        self._restore_handler()

    def _leave(self, signum: int, frame: FrameType | None) -> None:
        self._restore_handler()
        for callback in self.callbacks:
            # a signal's handler must not wait for a lock that this thread may hold
            loop().call_soon_threadsafe(callback)
        signal.default_int_handler(signum, frame)

    def _restore_handler(self) -> None:
        if signal.getsignal(signal.SIGINT) == self._leave:
            signal.signal(signal.SIGINT, signal.default_int_handler)


_watcher: SigintWatcher | None = None
