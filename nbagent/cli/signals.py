"""`SignalWait`: a wait of the main thread that a signal ends, whenever it comes."""

import contextlib
import signal
import socket
from types import TracebackType


class SignalWait:
    """Waits for signals, on the main thread and while it is entered.

    A lock's `acquire`, and so `Event.wait` and `Thread.join`, misses a signal that comes right
    before it sleeps: the handler runs when the next one comes. Here the signal leaves a byte that
    ends the wait, and the handler runs then.
    """

    def __enter__(self) -> "SignalWait":
        self._reading, self._writing = socket.socketpair()
        self._writing.setblocking(False)
        fileno = self._writing.fileno()
        self._before = signal.set_wakeup_fd(fileno, warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._before)
        self._reading.close()
        self._writing.close()

    def wait(self) -> None:
        """Return after a signal or `wake`, at once if one of these came since the last wait."""
        self._reading.recv(4096)

    def wake(self) -> None:
        """End the wait, from any thread."""
        with contextlib.suppress(OSError):  # full: it ends anyway; or closed
            self._writing.send(b"\0")
