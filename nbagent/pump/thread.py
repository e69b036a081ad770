"""The pump: the one thread of a process that flushes the channels of all its runs."""

import threading
import time
from typing import Protocol

from nbagent.runtime.per_process import PerProcess


class Paced(Protocol):
    """What the pump flushes."""

    def due(self, now: float) -> float | None:
        """Seconds from `now` (monotonic) until it wants to be flushed; None: not before it is woken."""

    def flush(self, now: float) -> None:
        """Do what is due."""


class Pump:
    """The thread. It sleeps until a channel is due; nothing is polled, and an idle channel costs nothing."""

    def __init__(self) -> None:
        self._active: set[Paced] = set()
        self._changed = threading.Condition()
        self._awake = False
        threading.Thread(target=self._run, name="nbagent-pump", daemon=True).start()

    def wake(self, channel: Paced) -> None:
        """The channel has something to do."""
        with self._changed:
            self._active.add(channel)
            self._awake = True
            self._changed.notify()

    def forget(self, channel: Paced) -> None:
        """The channel has nothing to do; nothing keeps it here, or what it belongs to."""
        with self._changed:
            self._active.discard(channel)

    def holds(self, channel: Paced) -> bool:
        """Whether the channel waits for something."""
        with self._changed:
            return channel in self._active

    def _run(self) -> None:
        while True:
            with self._changed:
                self._awake = False
                active = tuple(self._active)
            waits = [wait for channel in active if (wait := self._serve(channel)) is not None]
            del active  # this may be a long sleep, and a run that is over need not be kept for it
            with self._changed:
                if not self._awake:
                    self._changed.wait(min(waits, default=None))

    def _serve(self, channel: Paced) -> float | None:
        """Flush the channel if it is due; seconds until it is due again, None when it has nothing to do."""
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
    """The pump of this process, started on first use."""
    return _pump.get()
