"""The pump: the one thread of a process that flushes the channels of all its runs."""

import threading
import time
from typing import Protocol

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
    """A thread that sleeps until a channel is due.

    Nothing is polled, and an idle channel costs nothing.
    """

    def __init__(self) -> None:
        self._active: set[Flushable] = set()
        self._changed = threading.Condition()
        self._awake = False
        threading.Thread(target=self._run, name="nbagent-pump", daemon=True).start()

    def wake(self, channel: Flushable) -> None:
        """Flush the channel when it is due, until it has nothing to do."""
        with self._changed:
            self._active.add(channel)
            self._awake = True
            self._changed.notify()

    def forget(self, channel: Flushable) -> None:
        """Release the channel and everything that it references."""
        with self._changed:
            self._active.discard(channel)

    def holds(self, channel: Flushable) -> bool:
        """Return True if the channel waits to be flushed."""
        with self._changed:
            return channel in self._active

    def _run(self) -> None:
        while True:
            with self._changed:
                self._awake = False
                active = tuple(self._active)
            waits = [wait for channel in active if (wait := self._serve(channel)) is not None]
            del active  # a run that has ended must not be kept alive by a long sleep
            with self._changed:
                if not self._awake:
                    self._changed.wait(min(waits, default=None))

    def _serve(self, channel: Flushable) -> float | None:
        """Flush the channel if it is due; return the seconds until it is due again, None if it has
        nothing to do.
        """
        now = time.monotonic()
        due = channel.due(now)
        if due is not None and due <= 0:
            channel.flush(now)
            due = channel.due(now)
        with self._changed:
            if channel.due(now) is None:
                self._active.discard(channel)
        return due


_pump = PerProcess(Pump)


def pump() -> Pump:
    """Return the pump of this process, started on first use."""
    return _pump.get()
