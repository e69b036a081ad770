"""The pump: flushes the channels of all runs of a process, on a thread of its own."""

import threading
import time
from typing import Protocol

from nbagent.runtime import work
from nbagent.runtime.per_process import PerProcess


class Flushable(Protocol):
    """Object that the pump flushes."""

    def due(self, now: float) -> float | None:
        """Seconds from `now` (monotonic) until it wants to be flushed; None if it does not until it
        is woken.
        """

    def flush(self, now: float) -> None:
        """Send what is due."""


class Pump:
    """Sleeps until a channel is due. Nothing is polled, and an idle channel costs nothing."""

    def __init__(self) -> None:
        self._active: set[Flushable] = set()
        self._lock = threading.Lock()
        self._alarm = work.alarm(self._serve_all, name="nbagent-pump")

    def wake(self, channel: Flushable) -> None:
        """Flush the channel when it is due, until it has nothing to do."""
        with self._lock:
            self._active.add(channel)
        self._alarm.ring()

    def forget(self, channel: Flushable) -> None:
        """Release the channel and everything that it references."""
        with self._lock:
            self._active.discard(channel)

    def holds(self, channel: Flushable) -> bool:
        """Return True if the channel waits to be flushed."""
        with self._lock:
            return channel in self._active

    def _serve_all(self) -> float | None:
        """Flush the channels that are due; return the seconds until the next one is."""
        with self._lock:
            active = tuple(self._active)
        waits = [self._serve(channel) for channel in active]
        return min((wait for wait in waits if wait is not None), default=None)

    def _serve(self, channel: Flushable) -> float | None:
        """Flush the channel if it is due; return the seconds until it is due again, None if it has
        nothing to do.
        """
        now = time.monotonic()
        due = channel.due(now)
        if due is not None and due <= 0:
            channel.flush(now)
            due = channel.due(now)
        with self._lock:
            if channel.due(now) is None:
                self._active.discard(channel)
        return due


_pump = PerProcess(Pump)


def pump() -> Pump:
    """Return the pump of this process, started on first use."""
    return _pump.get()
