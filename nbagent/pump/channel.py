"""The path of one run's ops to one reader, and its pace."""

import logging
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from nbagent.protocol.ops import Op
from nbagent.pump.outbox import Outbox
from nbagent.pump.thread import Pump, pump

BATCH_INTERVAL_S = 0.1
"""Seconds between two batches of text.

Jupyter's envelope of 700 bytes weighs more than the text: with a fast model (2,000 characters a
second) seven times as much at 20 batches a second, less than five times at 13.
"""
MIN_GAP_S = 1 / 28
"""Seconds between any two messages, however urgent: at most 30 messages in any second, leaving one
for the synced trait that changes at the run's end.
"""

_log = logging.getLogger("nbagent")


class Channel(ABC):
    """The path of one run's ops to one reader.

    Ops are joined; text is sent at intervals, a change of state at once.

    It is a throttle, not a debounce: text that keeps coming is sent while it comes.

    Args:
        target: the renderer or view that gets the messages.
        lock: guards the transcript and this channel together, so that they agree.
        before: called under the lock before each batch. It may feed the channel, with text that has
            waited for this (`expect`). The ops that it returns are sent along. They must be small:
            they are the header's counters.
        pump: the thread that flushes the channel; by default the process's.
        interval: seconds between two batches of text.

    Attributes:
        target: the renderer or view.
        seq: number of the last batch.
    """

    def __init__(
        self,
        target: Any,
        lock: threading.RLock,
        before: Callable[[], Iterable[Op]] = tuple,
        pump: Pump | None = None,
        interval: float = BATCH_INTERVAL_S,
    ) -> None:
        self.target = target
        self.seq = 0
        self._lock = lock
        self._before = before
        self._own_pump = pump
        self._batch_interval = interval
        self._outbox = Outbox()
        self._urgent = False
        self._expects = False
        self._failed = False
        self._closed = False
        self._sent_at = -math.inf

    def feed(self, ops: Iterable[Op]) -> None:
        """Queue ops."""
        with self._lock:
            if self._closed:
                return
            idle = not self._outbox
            urgent = self._outbox.feed(ops) and not self._urgent
            if urgent:
                self._urgent = True
            begins = idle and bool(self._outbox) and not self._expects
        if urgent or begins:
            self._pump.wake(self)

    def expect(self) -> None:
        """Send the next batch of text at its time: `before` feeds the channel then.

        It stays so from batch to batch, until one has nothing to send: the pump is woken once for a
        text, not for each batch.
        """
        with self._lock:
            if self._expects or self._closed:
                return
            self._expects = True
            wakes = not self._outbox
        if wakes:
            self._pump.wake(self)

    def due(self, now: float) -> float | None:
        """Seconds from `now` (monotonic) until `flush` has something to do; None if it has nothing
        to do until woken.
        """
        if self._closed:
            return None
        wait = self._wait()
        if wait is None:
            return None
        return max(0.0, self._sent_at + wait - now)

    def flush(self, now: float) -> None:
        """Send the next message.

        A target that fails (a closed terminal, a dead comm) must not stop the others, nor its run,
        which goes on unseen.
        """
        with self._lock:
            if self._closed:
                return
            seq = self.seq
            try:
                if self._send():
                    self._sent_at = now
                else:
                    self._expects = False
            except Exception:
                # the queued ops are lost; the gap in the numbers makes a view ask for a snapshot
                self._outbox = Outbox()
                self.seq = seq + 1
                self._sent_at = now
                if not self._failed:
                    self._failed = True
                    _log.warning("%s stopped drawing", type(self.target).__name__, exc_info=True)
            self._urgent = self._urgent and bool(self._outbox)

    @abstractmethod
    def finish(self, then: Callable[[], object], now: float) -> None:
        """Send what is queued, since the run has ended, and call `then` once, with no lock held."""

    def close(self) -> None:
        """Send nothing more; the pump releases the channel and everything that it references."""
        with self._lock:
            self._closed = True
            self._outbox = Outbox()
        self._pump.forget(self)

    @property
    def _pump(self) -> Pump:
        return self._own_pump or pump()

    def _wait(self) -> float | None:
        """Seconds between the last message and the next; None if there is nothing to send."""
        if self._urgent:
            return MIN_GAP_S
        if self._outbox or self._expects:
            return self._batch_interval
        return None

    @abstractmethod
    def _send(self) -> bool:
        """Send one message, and return True; False if there is none. Called under the lock."""


class Renderer(Protocol):
    """Draws a run in this process; called under the run's lock."""

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        """Take batch number `seq` (from 1, without gaps)."""


class LocalChannel(Channel):
    """The path of one run's ops to a renderer in this process; see `Channel`."""

    def finish(self, then: Callable[[], object], now: float) -> None:
        """Draw what is queued, on this thread, and call `then`, with no lock held."""
        with self._lock:
            while self._outbox and not self._closed:
                self.flush(now)
        then()

    def _send(self) -> bool:
        self._outbox.feed(self._before())
        if not self._outbox:
            return False
        self.seq += 1
        self.target.draw(self.seq, self._outbox.drain(None))
        return True
