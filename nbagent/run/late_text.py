"""`LateText`: deltas of text that wait for one another."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, TypeGuard

from msgspec.structs import replace

from nbagent import events as e
from nbagent.pump import BATCH_INTERVAL_S, pump

MAX_WAITING = 256
"""Deltas that wait at most. It takes some milliseconds to add as many."""

TextDelta: TypeAlias = e.TextDelta | e.ReasoningDelta


class Arrived(NamedTuple):
    """A delta, and when it came, in seconds since the epoch."""

    delta: TextDelta
    at: float


def is_text(event: e.Event) -> TypeGuard[TextDelta]:
    """Return True for a delta of a text or of a thought."""
    return isinstance(event, (e.TextDelta, e.ReasoningDelta))


def joined(arrived: Sequence[Arrived]) -> TextDelta:
    """Return the deltas of one text as one."""
    return replace(arrived[0].delta, delta="".join(each.delta.delta for each in arrived))


class LateText:
    """Deltas of text that are added to a run together, as often as views are drawn.

    A stream that is read delta by delta leaves the processor other work in between, and its caches
    hold other code each time: a delta costs three times as much as in a loop (issue 34). The first
    delta of a text does not wait, or a panel would be drawn empty, nor does one after a pause.

    Args:
        add: adds deltas of one text.
        release: calls `LateText.release` with the run's lock held.
        is_drawn: returns True if somebody sees the run, and so has the text though nothing follows
            it.
        lock: of the run.

    Attributes:
        waiting: the deltas that wait.
    """

    def __init__(
        self,
        add: Callable[[Sequence[Arrived]], object],
        release: Callable[[], object],
        is_drawn: Callable[[], bool],
        lock: threading.RLock,
    ) -> None:
        self.waiting: list[Arrived] = []
        self._add = add
        self._release = release
        self._lock = lock
        self._is_drawn = is_drawn
        self._added_at = 0.0
        self._is_next_first = True  # the next delta is the first after something else
        self._is_timed = False  # the pump has it

    def offer(self, events: Sequence[e.Event]) -> bool:
        """Return True if the events of one item wait here, and False if they are to be added now,
        after those that wait. Called with the run's lock held.
        """
        now = time.monotonic()
        at = time.time()
        deltas = [Arrived(event, at) for event in events if is_text(event) and _is_plain(event)]
        if len(deltas) < len(events):
            self._is_next_first = True
            return False
        is_due = now >= self._added_at + BATCH_INTERVAL_S or len(self.waiting) >= MAX_WAITING
        if self._is_next_first or is_due:
            self._is_next_first = False
            self._added_at = now
            return False
        self.waiting += deltas
        if not self._is_timed and self._is_drawn():
            self._is_timed = True
            pump().wake(self)
        return True

    def release(self) -> None:
        """Add what waits. Called with the run's lock held."""
        waiting, self.waiting = self.waiting, []
        for _, deltas in itertools.groupby(waiting, _text_of):
            self._add(list(deltas))

    def due(self, now: float) -> float | None:
        """Return the seconds from `now` (monotonic) until `flush`; None if no text is coming."""
        if not self._is_timed:
            return None
        return max(0.0, self._added_at + BATCH_INTERVAL_S - now)

    def flush(self, now: float) -> None:
        """Add what waits.

        The timer goes on for as long as text comes, so that the pump is not woken for each batch.
        """
        with self._lock:
            self._added_at = now
            self._is_timed = bool(self.waiting)
            self._release()

    def close(self) -> None:
        """Let go of the pump's timer: nothing waits any more, and nothing will."""
        self._is_timed = False
        pump().forget(self)


def _is_plain(delta: TextDelta) -> bool:
    """Return True if nothing but its text and its ids is said."""
    return delta.raw is None and delta.meta is None


def _text_of(arrived: Arrived) -> tuple[type, str, str | None]:
    """Return what the deltas of one text have in common."""
    delta = arrived.delta
    return type(delta), delta.id, delta.parent_id
