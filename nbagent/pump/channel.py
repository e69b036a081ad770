"""One run's way to one face, and its pace."""

import logging
import math
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from nbagent.pump.outbox import Outbox
from nbagent.pump.thread import Pump, pump
from nbagent.transcript import Op

INTERVAL = 0.075
"""Seconds between two batches of text. Jupyter's envelope of 700 bytes weighs more than the text: of a fast model (2,000
characters a second) at 20 a second seven times as much, at 13 not five."""
GAP = 1 / 28
"""Seconds that everything waits after what was sent before, however urgent: at most 30 messages in any second, with room for
the synced trait that changes at the run's end."""

_log = logging.getLogger("nbagent")


class Face(Protocol):
    """Who draws a run in this process; called under the run's lock."""

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        """Take batch number `seq` (from 1, without gaps)."""


class Channel:
    """One run's way to a face in this process: ops are joined, and text is drawn every 75 ms, a change of state at once.

    A throttle, not a debounce: text that keeps coming is drawn while it comes.

    Args:
        face: who gets the batches.
        lock: guards the transcript and this channel together, so that they agree.
        before: called under the lock before each batch; the ops it returns go along (the header's counters).
        pump: whose thread flushes it; by default the process's.
    """

    def __init__(
        self,
        face: Any,
        lock: threading.RLock,
        before: Callable[[], Iterable[Op]] = tuple,
        pump: Pump | None = None,
    ) -> None:
        self.face = face
        self.seq = 0
        self._lock = lock
        self._before = before
        self._own_pump = pump
        self._outbox = Outbox()
        self._urgent = False
        self._failed = False
        self._closed = False
        self._sent_at = -math.inf

    def feed(self, ops: Iterable[Op]) -> None:
        """Queue ops; call with the lock held."""
        if self._closed:
            return
        idle = not self._outbox
        urgent = self._outbox.feed(ops) and not self._urgent
        if urgent:
            self._urgent = True
        if urgent or (idle and self._outbox):
            self._pump.wake(self)

    def due(self, now: float) -> float | None:
        """Seconds from `now` (monotonic) until `flush` has something to do; None: not before something is queued."""
        wait = None if self._closed else self._wait()
        return None if wait is None else max(0.0, self._sent_at + wait - now)

    def flush(self, now: float) -> None:
        """Send the next message.

        A face that fails (a closed terminal, a dead comm) must not stop the others, nor its run: that goes on unseen.
        """
        with self._lock:
            if self._closed:
                return
            self._sent_at, seq = now, self.seq
            try:
                self._send()
            except Exception:
                self._outbox = Outbox()  # what waited is lost: a number is missing, which makes a reader ask for everything
                self.seq = seq + 1
                if not self._failed:
                    self._failed = True
                    _log.warning("%s stopped drawing", type(self.face).__name__, exc_info=True)
            self._urgent = self._urgent and bool(self._outbox)

    def finish(self, then: Callable[[], object], now: float) -> None:
        """The run is over: draw what is queued, on this thread, and call `then`, with no lock held."""
        with self._lock:
            while self._outbox and not self._closed:
                self.flush(now)
        then()

    def close(self) -> None:
        """Send nothing more; the pump lets go of the channel, and of all it belongs to."""
        with self._lock:
            self._closed = True
            self._outbox = Outbox()
        self._pump.forget(self)

    @property
    def _pump(self) -> Pump:
        return self._own_pump or pump()

    def _wait(self) -> float | None:
        """Seconds between the last message and the next; None if there is nothing to say."""
        if not self._outbox:
            return None
        return GAP if self._urgent else INTERVAL

    def _send(self) -> None:
        self._outbox.feed(self._before())
        if self._outbox:
            self.seq += 1
            self.face.draw(self.seq, self._outbox.drain(None))
