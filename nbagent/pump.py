"""The pump: one per process. Coalesces the ops of all live runs and paces them to their faces.

Why: the Jupyter server drops messages above 1,000 a second and ZeroMQ drops when a reader lags, both without a word. So ops
are joined and sent in batches: the first one and every change of state at once, text every 55 ms, never more than 30 batches
a second for one channel, and slower while the reader's acknowledgements lag. A throttle, not a debounce: text that keeps
coming is sent while it comes.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from nbagent.transcript import Op

INTERVAL = 0.055
"""Seconds between two batches of text: their envelopes weigh more than the text, at 20 a second eight times as much."""
GAP = 1 / 30
"""Seconds that every batch waits after the one before, however urgent."""
SLOWEST = 0.25
"""Seconds between two batches when the reader lags the most."""
LAG = 64
"""Batches a reader may leave unacknowledged before the pump slows down. It acknowledges every two seconds: each time costs
the kernel a message of its own and two about its being busy, which weigh more than the text."""
BATCH = 64 * 1024
"""Bytes in one batch, at most (one op that cannot be split may be larger)."""

_PIECE = 8 * 1024
"""Characters that wait as one string, so that any of them fits into a batch, at six bytes of JSON for the worst characters."""


class Outbox:
    """Ops on their way to one face, joined while they wait. Pure: no clock, no thread.

    Appends to one field become one append, sets of one block become one set, as long as nothing else happened to that block
    in between; so the order within a block is kept, and what is sent is the same tree.
    """

    def __init__(self) -> None:
        self._queue: deque[list[Any]] = deque()
        self._last: dict[str, list[Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._queue)

    def feed(self, ops: Iterable[Op]) -> bool:
        """Take ops; True if one of them is more than text (a change of state, worth sending at once)."""
        urgent = False
        for op in ops:
            last = self._last.get(op[1])
            if op[0] == "append":
                if last is not None and last[0] == "append" and last[2] == op[2]:
                    last[3].extend(_pieces(op[3]))
                    continue
                entry: list[Any] = ["append", op[1], op[2], deque(_pieces(op[3]))]
            else:
                urgent = True
                if op[0] == "set" and last is not None and last[0] == "set":
                    last[2] = {**last[2], **op[2]}
                    continue
                entry = list(op)
            self._queue.append(entry)
            self._last[op[1]] = entry
        return urgent

    def drain(self, limit: int = BATCH) -> list[list[Any]]:
        """The next batch, of at most `limit` bytes; what is left stays for the next one."""
        batch: list[list[Any]] = []
        room = limit
        while self._queue and room > 0:
            entry = self._queue[0]
            if entry[0] == "append":
                waiting: deque[str] = entry[3]
                taken: list[str] = []
                size = 0
                while waiting and (size + (width := _width(waiting[0])) <= room or not (batch or taken)):
                    taken.append(waiting.popleft())
                    size += width
                if taken:
                    batch.append(["append", entry[1], entry[2], "".join(taken)])
                if waiting:
                    return batch
            else:
                size = _width(entry)
                if size > room and batch:
                    return batch
                batch.append(entry)
            room -= size + len(entry[1]) + 16
            done = self._queue.popleft()
            if self._last.get(done[1]) is done:
                del self._last[done[1]]
        return batch


def _pieces(text: str) -> Iterable[str]:
    """The text cut once, when it comes; cutting it again for every batch would copy a long one as often as it has batches."""
    if len(text) <= _PIECE:
        return (text,)
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _width(value: Any) -> int:
    """Bytes the value takes as JSON."""
    return len(msgspec.json.encode(value))


class Face(Protocol):
    """What batches are sent to, under the run's lock: by the pump's thread, the last ones by the thread that ends the run."""

    def draw(self, seq: int, ops: list[list[Any]]) -> None:
        """Take batch number `seq` (from 1, without gaps)."""

    def redraw(self, seq: int) -> None:
        """Take the whole transcript as it is now; it counts as batch `seq`."""


class Channel:
    """One run's way to one face: an outbox, a sequence number, a pace.

    Args:
        face: who gets the batches.
        lock: guards the transcript and this outbox together, so that a snapshot and a batch agree.
        before: called under the lock before each batch; the ops it returns go along (the header's counters).
    """

    def __init__(self, face: Face, lock: threading.RLock, before: Callable[[], Iterable[Op]] = tuple) -> None:
        self.face = face
        self.seq = 0
        self._acked: int | None = None
        self._lock = lock
        self._before = before
        self._outbox = Outbox()
        self._urgent = False
        self._redraw = False
        self._failed = False
        self._sent_at = 0.0

    def feed(self, ops: Iterable[Op]) -> None:
        """Queue ops; call with the lock held."""
        idle = not self._outbox
        urgent = self._outbox.feed(ops) and not self._urgent
        if urgent:
            self._urgent = True
        if urgent or (idle and self._outbox):
            pump().wake(self)

    def redraw(self) -> None:
        """A reader needs the whole transcript: send it next, in place of everything queued."""
        self._redraw = True
        pump().wake(self)

    def ack(self, seq: int) -> None:
        """The reader has painted batch `seq`."""
        self._acked = max(min(seq, self.seq), self._acked or 0)

    @property
    def interval(self) -> float:
        """Seconds between two batches of text: longer, up to `SLOWEST`, while acknowledgements lag."""
        lag = 0 if self._acked is None else self.seq - self._acked
        return INTERVAL if lag <= LAG else min(SLOWEST, INTERVAL * lag / LAG)

    def due(self, now: float) -> float | None:
        """Seconds from `now` until this channel wants to be flushed; None: nothing to send."""
        if not self._outbox and not self._redraw:
            return None
        interval = self.interval
        wait = GAP if self._redraw or (self._urgent and interval == INTERVAL) else interval
        return max(0.0, self._sent_at + wait - now)

    def flush(self, now: float) -> None:
        """Send one batch, or the whole transcript if a reader asked for it.

        A face that fails (a closed terminal, a dead comm) must not stop the others, nor its run: that goes on unseen.
        """
        with self._lock:
            self._sent_at = now
            try:
                self._send()
            except Exception:
                self._outbox = Outbox()  # a batch is lost: its number is missing, which makes the reader ask for everything
                if not self._failed:
                    self._failed = True
                    _log.warning("%s stopped drawing", type(self.face).__name__, exc_info=True)
            self._urgent = self._urgent and bool(self._outbox)

    def _send(self) -> None:
        if self._redraw:
            self._redraw = False
            self._outbox = Outbox()
            self.seq += 1
            self.face.redraw(self.seq)
            return
        self._outbox.feed(self._before())
        if self._outbox:
            self.seq += 1
            self.face.draw(self.seq, self._outbox.drain())

    def finish(self) -> None:
        """Send everything queued now, on this thread: the run is over."""
        with self._lock:
            while self._outbox or self._redraw:
                self.flush(time.monotonic())


class Pump:
    """The thread that flushes channels. It sleeps until one is due; nothing is polled, and an idle channel costs nothing."""

    def __init__(self) -> None:
        self._active: set[Channel] = set()
        self._changed = threading.Condition()
        self._awake = False
        threading.Thread(target=self._run, name="nbagent-pump", daemon=True).start()

    def wake(self, channel: Channel) -> None:
        """The channel has something to send."""
        with self._changed:
            self._active.add(channel)
            self._awake = True
            self._changed.notify()

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

    def _serve(self, channel: Channel) -> float | None:
        """Flush the channel if it is due; seconds until it is due again, None when it has nothing to send."""
        now = time.monotonic()
        due = channel.due(now)
        if due is not None and due <= 0:
            channel.flush(now)
            due = channel.due(now)
        with self._changed:
            if channel.due(now) is None:
                self._active.discard(channel)
        return due


_log = logging.getLogger("nbagent")
_lock = threading.Lock()
_pump: Pump | None = None


def pump() -> Pump:
    """The pump of this process, started on first use."""
    global _pump
    with _lock:
        if _pump is None:
            _pump = Pump()
        return _pump


def _forget() -> None:
    """A forked child has no copy of the thread, and perhaps a copy of a lock that nobody will release."""
    global _lock, _pump
    _lock = threading.Lock()
    _pump = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
