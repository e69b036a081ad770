"""The kernel's end of the channel to a view in a browser, where messages get lost without a word.

The Jupyter server drops messages above 1,000 a second, and ZeroMQ drops when a reader lags. So there are few messages, at most
30 a second whatever happens, each at most 64 KB; batches are numbered, and a view that misses one asks for everything. All are
JSON and none has a top-level `id` (ipykernel 7.4 keeps those for ever):

    kernel → view   {"t": "ops", "seq", "now", "ops"}
                    {"t": "snapshot", "seq", "now", "first", "last", "ops"}
                    {"t": "beat", "seq", "now"}
                    {"t": "part", "name", "at", "text", "size"}   or   {"t": "part", "name", "at", "error"}
    view → kernel   {"t": "hello", "have"}   {"t": "resync"}   {"t": "ack", "seq"}   {"t": "need", "name", "at"}
                    (and, for the run: {"t": "stop"}   {"t": "toggle", "block", "open"})

- `ops`: what changed (see `transcript`). `seq` counts batches and pieces together, from 1, without gaps. `now` is the kernel's
  clock in seconds since the epoch; the view measures durations by it.
- `snapshot`: the whole transcript as the ops that build it, in pieces with numbers of their own; the tree is loaded when the
  `last` has come. It takes the place of everything queued, so every page loads every snapshot it hears. One that has begun is
  sent to its end before the next begins: a reader that asks and asks cannot keep another from ever getting one.
- `beat`: nothing new, the kernel is alive. `seq` is the last batch: a view that has less has lost one. While the run lives,
  after each second without a message; after its end, until a view has acknowledged the last batch, after 1, 2, 4, 8, 16 and
  32 s, then never again. None before a view has spoken.
- `part`: a page of something large (see `parts`): `text` from character `at` on, of `size` characters in all. What the view's
  inspector wants to know of the run's events it asks for in the same way: the name is the question (see `nbagent.inspector`).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from nbagent.events.jsonable import EXACT
from nbagent.protocol.json_size import json_size
from nbagent.pump.channel import GAP, INTERVAL, Channel
from nbagent.pump.outbox import BATCH, Outbox
from nbagent.pump.thread import Pump
from nbagent.transcript import Op

SLOWEST = 0.25
"""Seconds between two batches when the reader lags the most."""
LAG = 64
"""Batches a reader may leave unacknowledged before it is sent fewer. It acknowledges every two seconds: each time costs the
kernel a message of its own and two about its being busy, which weigh more than the text."""
BEAT = 1.0
"""Seconds of silence after which a view is told that the kernel is alive."""
BEATS = 6
"""Beats after the end of a run for a view that has not acknowledged its last batch, each after twice the time."""
PATIENCE = 1.0
"""Seconds that the end of a run waits for its last batch to be sent; a longer backlog follows it."""
NEEDS = 256
"""Pages that may wait to be sent; what is asked for beyond them is not heard, and has to be asked for again."""
NAME = 1024
"""Characters in the name of a part; a longer one is none of ours."""


class View(Protocol):
    """The far end, as the link reaches it; called under the run's lock, by one thread at a time."""

    def send(self, message: dict[str, Any]) -> None:
        """Send one message."""

    def page(self, name: str, at: int, room: int) -> tuple[str, int]:
        """A page of something large, from character `at` on, and the characters in all of it.

        Args:
            name: as the view has it.
            at: the page's first character.
            room: bytes of JSON that the page may take.

        Raises:
            LookupError: there is none of that name; the message is for the reader.
        """


class Link(Channel):
    """One run's way to a view far away. All it sends, it sends at the pace of batches.

    Args:
        view: who gets the messages.
        lock: guards the transcript and this link together, so that a snapshot and a batch agree.
        before: called under the lock before each batch; the ops it returns go along (the header's counters).
        opening: called under the lock: the ops that build the tree as it is now.
        slim: makes ops fit to travel; no prop may be larger than a batch then.
        pump: whose thread flushes it; by default the process's.
    """

    def __init__(
        self,
        view: View,
        lock: threading.RLock,
        before: Callable[[], Iterable[Op]] = tuple,
        *,
        opening: Callable[[], Iterable[Op]],
        slim: Callable[[Iterable[Op]], Iterable[Op]],
        pump: Pump | None = None,
    ) -> None:
        super().__init__(view, lock, before, pump)
        self._opening = opening
        self._slim = slim
        self._heard = False
        self._acked: int | None = None
        self._redraw = False
        self._first = False
        self._needs: deque[tuple[str, int]] = deque()
        self._page_sent = False
        self._over = False
        self._beats = 0
        self._then: Callable[[], object] | None = None
        self._until = 0.0

    def feed(self, ops: Iterable[Op]) -> None:
        """Queue ops; call with the lock held."""
        super().feed(self._slim(ops))

    def receive(self, message: object) -> None:
        """Take a message of the view's, on any thread; what is none of the link's, or makes no sense, is ignored."""
        match message:
            case {"t": "hello" | "resync"}:
                self._redraw = True
            case {"t": "ack", "seq": int(seq)}:
                self._acked = max(min(seq, self.seq), self._acked or 0)
            case {"t": "need", "name": str(name), "at": int(at)} if len(name) <= NAME and 0 <= at <= EXACT:
                with self._lock:
                    if (name, at) not in self._needs and len(self._needs) < NEEDS:
                        self._needs.append((name, at))
            case _:
                return
        self._heard = True
        if not self._closed:
            self._pump.wake(self)

    @property
    def interval(self) -> float:
        """Seconds between two batches of text: longer, up to `SLOWEST`, while acknowledgements lag."""
        lag = 0 if self._acked is None else self.seq - self._acked
        return INTERVAL if lag <= LAG else min(SLOWEST, INTERVAL * lag / LAG)

    def due(self, now: float) -> float | None:
        """Seconds from `now` (monotonic) until `flush` has something to do; None: not before something comes."""
        due = super().due(now)
        if self._then is None:
            return due
        end = max(0.0, self._until - now) if self._busy else 0.0
        return end if due is None else min(due, end)

    def flush(self, now: float) -> None:
        """Send the next message, if it is its time; tell who waits for the end when the last batch is out."""
        if super().due(now) == 0:
            super().flush(now)
        with self._lock:
            if self._then is None or (self._busy and now < self._until and not self._closed):
                return
            then, self._then = self._then, None
        _aside(then)

    def finish(self, then: Callable[[], object], now: float) -> None:
        """The run is over. What is queued is sent at its pace, by the pump.

        `then` is called once, on a thread of its own, when the last batch is out; after `PATIENCE` seconds in any case, since
        whoever waits for a run's data need not wait for a browser to be told of all of it.
        """
        with self._lock:
            self._over = True
            self._then = then
            self._until = now + PATIENCE
        if self._closed:
            self.flush(self._until)
        else:
            self._pump.wake(self)

    def close(self) -> None:
        """Send nothing more; the pump lets go of the link, and of all it belongs to."""
        super().close()
        with self._lock:
            self._needs.clear()
        self.flush(self._until)

    @property
    def _busy(self) -> bool:
        return self._redraw or bool(self._outbox)

    def _wait(self) -> float | None:
        if self._redraw or self._outbox.sealed or self._needs:
            return GAP
        if self._outbox:
            interval = self.interval
            return GAP if self._urgent and interval == INTERVAL else interval
        if not self._heard:
            return None
        if not self._over:
            return BEAT
        return None if self._acked == self.seq or self._beats >= BEATS else BEAT * 2.0**self._beats

    def _send(self) -> None:
        # Pages and batches take turns, so that neither waits for the other.
        self._page_sent = bool(self._needs) and not (self._page_sent and self._busy)
        if self._page_sent:
            self._send_page(*self._needs.popleft())
            return
        if self._redraw and not self._outbox.sealed:
            self._redraw = False
            self._first = True
            self._outbox = Outbox()
            self._outbox.feed(self._slim(self._opening()))
            self._outbox.seal()
        if self._outbox.sealed:
            first, self._first = self._first, False
            head = self._numbered("snapshot")
            ops = self._outbox.drain(BATCH)
            self.face.send({**head, "first": first, "last": not self._outbox.sealed, "ops": ops})
            return
        self._outbox.feed(self._slim(self._before()))
        if self._outbox:
            head = self._numbered("ops")
            self.face.send({**head, "ops": self._outbox.drain(BATCH)})
        else:
            self._beats += self._over
            self.face.send({"t": "beat", "seq": self.seq, "now": time.time()})

    def _numbered(self, kind: str) -> dict[str, Any]:
        """The head of a message with a number of its own, which is missing if the message then cannot be sent."""
        self.seq += 1
        self._beats = 0
        return {"t": kind, "seq": self.seq, "now": time.time()}

    def _send_page(self, name: str, at: int) -> None:
        answer: dict[str, Any] = {"t": "part", "name": name, "at": at}
        try:
            text, size = self.face.page(name, at, BATCH - json_size(name))
        except LookupError as error:
            self.face.send({**answer, "error": str(error.args[0])})
        else:
            self.face.send({**answer, "text": text, "size": size})


def _aside(then: Callable[[], object]) -> None:
    """Call it on a thread of its own: it may take its time, and the pump serves other runs."""
    try:
        threading.Thread(target=then, name="nbagent-end", daemon=True).start()
    except RuntimeError:  # the interpreter is shutting down and starts no more threads
        then()
