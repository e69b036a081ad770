"""The kernel's end of the channel to a view in a browser, where messages get lost silently.

The Jupyter server drops messages above 1,000 a second, and ZeroMQ drops when a reader lags. So
there are few messages, at most 30 a second whatever happens, each at most 64 KB; batches are
numbered, and a view that misses one asks for a snapshot. The messages are declared in
`nbagent.protocol.messages`. When they are sent:

- `ops`: when something has changed.
- `snapshot`: when a view has sent `hello` or `resync`. One that has begun is sent to its end before
  the next begins: a reader that keeps asking cannot keep another from ever getting one.
- `beat`: while the run lives, after each second without a message; after its end, until a view has
  acknowledged the last batch, after 1, 2, 4, 8, 16 and 32 s, then never again. None before a view
  has spoken.
- `part`: when a view has asked for a page by `need`.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol, assert_never

from nbagent.protocol.json_size import json_size
from nbagent.protocol.messages import (
    Ack,
    Beat,
    Command,
    Hello,
    KernelMessage,
    Need,
    Ops,
    Part,
    Resync,
    Snapshot,
    read_view_message,
    to_wire,
)
from nbagent.protocol.ops import Op
from nbagent.pump.channel import BATCH_INTERVAL_S, MIN_GAP_S, Channel
from nbagent.pump.outbox import BATCH_BYTES, Outbox
from nbagent.pump.thread import Pump
from nbagent.runtime import work

MAX_INTERVAL_S = 0.25
"""Seconds between two batches when the reader lags the most."""
MAX_UNACKED_BATCHES = 64
"""Batches that a reader may leave unacknowledged before it is sent fewer.

It acknowledges every two seconds: each time costs the kernel a message of its own and two about its
being busy, which weigh more than the text.
"""
BEAT_INTERVAL_S = 1.0
"""Seconds of silence after which a view is sent a sign of life."""
MAX_FINAL_BEATS = 6
"""Beats after the end of a run for a view that has not acknowledged its last batch, each after
twice the time.
"""
END_FLUSH_TIMEOUT_S = 1.0
"""Seconds that the end of a run waits for its last batch to be sent; a longer backlog follows
it.
"""
MAX_PENDING_PAGES = 256
"""Pages that may wait to be sent; a request beyond them is ignored, and the view repeats it."""


class View(Protocol):
    """A view in a browser, as its channel reaches it."""

    def send(self, message: dict[str, Any]) -> None:
        """Send one message. Called under the run's lock, by one thread at a time."""

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value, and its characters in all.

        Called under the run's lock, by one thread at a time.

        Args:
            name: the name that the view asked for.
            offset: of the page's first character.
            max_bytes: bytes of JSON that the page may take.

        Raises:
            LookupError: there is nothing of that name; the message is for the reader.
        """

    def command(self, command: Command) -> None:
        """Do what the reader asked of the run. Called on any thread."""


class RemoteChannel(Channel):
    """The path of one run's ops to a view in a browser. Everything is sent at the pace of batches.

    Args:
        view: gets the messages.
        lock: guards the transcript and this channel together, so that a snapshot and a batch agree.
        before: called under the lock before each batch; see `Channel`.
        opening: called under the lock: the ops that build the tree as it is now.
        externalize: replaces large props in ops; no prop may be larger than a batch then.
        rests: returns True while the run does nothing and may go on later, as a chat between two
            answers. Nothing is sent then.
        pump: the thread that flushes the channel; by default the process's.
        interval: seconds between two batches of text.
        opened_at: when the view was told of the run, in seconds of the monotonic clock. The first
            batch keeps its distance from that as from another batch.

    Attributes:
        ignored: number of messages of the view that were unknown or malformed.
    """

    def __init__(
        self,
        view: View,
        lock: threading.RLock,
        before: Callable[[], Iterable[Op]] = tuple,
        *,
        opening: Callable[[], Iterable[Op]],
        externalize: Callable[[Iterable[Op]], Iterable[Op]],
        rests: Callable[[], bool] = lambda: False,
        pump: Pump | None = None,
        interval: float = BATCH_INTERVAL_S,
        opened_at: float = -math.inf,
    ) -> None:
        super().__init__(view, lock, before, pump, interval)
        self.ignored = 0
        self._sent_at = opened_at
        self._opening = opening
        self._externalize = externalize
        self._rests = rests
        self._ended = False
        self._view_spoke = False
        self._acked: int | None = None
        self._snapshot_wanted = False
        self._snapshot_begins = False
        self._requests: deque[Need] = deque()
        self._page_sent = False
        self._beats = 0
        self._on_finished: Callable[[], object] | None = None
        self._finish_by = 0.0

    def feed(self, ops: Iterable[Op]) -> None:
        """Queue ops."""
        with self._lock:
            super().feed(self._externalize(ops))

    def receive(self, raw: object) -> None:
        """Take a message of the view, on any thread: the one place where they are dispatched.

        One that is unknown or malformed is counted, logged at level debug, and has no other effect.
        """
        message = read_view_message(raw)
        if message is None:
            self.ignored += 1
        elif isinstance(message, Command):
            self.target.command(message)
        else:
            self._take(message)
            self._view_spoke = True
            if not self._closed:
                self._pump.wake(self)

    @property
    def interval(self) -> float:
        """Seconds between two batches of text: longer, up to `MAX_INTERVAL_S`, while
        acknowledgements lag.
        """
        if self._acked is None:
            return self._batch_interval
        lag = self.seq - self._acked
        if lag <= MAX_UNACKED_BATCHES:
            return self._batch_interval
        longer = min(MAX_INTERVAL_S, BATCH_INTERVAL_S * lag / MAX_UNACKED_BATCHES)
        return max(self._batch_interval, longer)

    def due(self, now: float) -> float | None:
        """Seconds from `now` (monotonic) until `flush` has something to do; None if it has nothing
        to do until woken.
        """
        due = super().due(now)
        if self._on_finished is None:
            return due
        end = 0.0
        if self._busy:
            end = max(0.0, self._finish_by - now)
        if due is None:
            return end
        return min(due, end)

    def flush(self, now: float) -> None:
        """Send the next message, if it is time; after the last batch of a run, call the function
        that waits for it.
        """
        if super().due(now) == 0:
            super().flush(now)
        with self._lock:
            if self._on_finished is None:
                return
            if self._busy and not self._closed and now < self._finish_by:
                return
            on_finished, self._on_finished = self._on_finished, None
        _run_in_thread(on_finished)

    def finish(self, then: Callable[[], object], now: float) -> None:
        """Let the pump send what is queued at its pace, since the run has ended.

        `then` is called once, on a thread of its own, when the last batch is out, and after
        `END_FLUSH_TIMEOUT_S` at the latest: code that waits for a run's data need not wait until a
        browser has got all of it.
        """
        with self._lock:
            self._ended = True
            self._expects = False
            self._on_finished = then
            self._finish_by = now + END_FLUSH_TIMEOUT_S
        if self._closed:
            self.flush(self._finish_by)
        else:
            self._pump.wake(self)

    def close(self) -> None:
        """Send nothing more; the pump releases the channel and everything that it references."""
        super().close()
        with self._lock:
            self._requests.clear()
        self.flush(self._finish_by)

    def _take(self, message: Hello | Resync | Ack | Need) -> None:
        match message:
            case Hello() | Resync():
                if isinstance(message, Hello):
                    with self._lock:
                        # A view that had another connection goes by that one's numbers.
                        self.seq = max(self.seq, message.have)
                self._snapshot_wanted = True
            case Ack(seq):
                self._acked = max(min(seq, self.seq), self._acked or 0)
            case Need():
                with self._lock:
                    if message not in self._requests and len(self._requests) < MAX_PENDING_PAGES:
                        self._requests.append(message)
            case _:
                assert_never(message)

    @property
    def _is_over(self) -> bool:
        return self._ended or self._rests()

    @property
    def _busy(self) -> bool:
        return self._snapshot_wanted or self._expects or bool(self._outbox)

    def _wait(self) -> float | None:
        if self._snapshot_wanted or self._outbox.sealed or self._requests:
            return MIN_GAP_S
        if self._outbox or self._expects:
            interval = self.interval
            if self._urgent and interval == self._batch_interval:
                return MIN_GAP_S
            return interval
        if not self._is_over:
            # Also to a view that has said nothing yet: the kernel may be in a cell, and read it
            # later.
            return BEAT_INTERVAL_S
        if not self._view_spoke or self._acked == self.seq or self._beats >= MAX_FINAL_BEATS:
            return None
        return BEAT_INTERVAL_S * 2.0**self._beats

    def _send(self) -> bool:
        # Pages and batches take turns, so that neither waits for the other.
        self._page_sent = bool(self._requests) and not (self._page_sent and self._busy)
        if self._page_sent:
            self._send_page(self._requests.popleft())
            return True
        if self._snapshot_wanted and not self._outbox.sealed:
            self._snapshot_wanted = False
            self._snapshot_begins = True
            self._outbox = Outbox()
            self._outbox.feed(self._externalize(self._opening()))
            self._outbox.seal()
        if self._outbox.sealed:
            first, self._snapshot_begins = self._snapshot_begins, False
            seq = self._next_seq()
            ops = self._outbox.drain(BATCH_BYTES)
            last = not self._outbox.sealed
            self._send_message(Snapshot(seq=seq, now=time.time(), first=first, last=last, ops=ops))
            return True
        self._outbox.feed(self._before())
        if self._outbox:
            seq = self._next_seq()
            self._send_message(Ops(seq=seq, now=time.time(), ops=self._outbox.drain(BATCH_BYTES)))
            return True
        if self._expects:
            return False
        self._beats += self._is_over
        self._send_message(Beat(seq=self.seq, now=time.time()))
        return True

    def _next_seq(self) -> int:
        """Return the number of a message.

        It is taken before the message is made, so that a failure leaves a gap.
        """
        self.seq += 1
        self._beats = 0
        return self.seq

    def _send_page(self, need: Need) -> None:
        try:
            text, size = self.target.page(need.name, need.at, BATCH_BYTES - json_size(need.name))
        except LookupError as error:
            self._send_message(Part(name=need.name, at=need.at, error=str(error.args[0])))
        else:
            self._send_message(Part(name=need.name, at=need.at, text=text, size=size))

    def _send_message(self, message: KernelMessage) -> None:
        self.target.send(to_wire(message))


def _run_in_thread(function: Callable[[], object]) -> None:
    """Call the function on a thread of its own: it may take long, and the pump serves other
    runs.
    """
    try:
        work.start(function, name="nbagent-end")
    except RuntimeError:  # the interpreter is shutting down and starts no more threads
        function()
