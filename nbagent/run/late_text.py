"""`LateText`: deltas of text that wait for one another."""

import itertools
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, TypeGuard

from msgspec.structs import replace

from nbagent import events as e

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
    """Deltas of text that are added to a run together, as often as it is drawn.

    A stream that is read delta by delta leaves the processor other work in between, and its caches
    hold other code each time: a delta costs three times as much as in a loop (issue 34).

    Args:
        add: adds deltas of one text.
        expect: tells those who draw the run that text waits. They call `release` when they draw.

    Attributes:
        waiting: the deltas that wait.
    """

    def __init__(
        self, add: Callable[[Sequence[Arrived]], object], expect: Callable[[], object]
    ) -> None:
        self.waiting: list[Arrived] = []
        self._add = add
        self._expect = expect

    def offer(self, events: Sequence[e.Event]) -> bool:
        """Return True if the events of one item wait here, and False if they are to be added now,
        after those that wait. Called with the run's lock held.
        """
        at = time.time()
        deltas = [Arrived(event, at) for event in events if is_text(event) and _is_plain(event)]
        if len(deltas) < len(events) or len(self.waiting) >= MAX_WAITING:
            return False
        begins = not self.waiting
        self.waiting += deltas
        if begins and deltas:
            self._expect()
        return True

    def release(self) -> None:
        """Add what waits. Called with the run's lock held."""
        waiting, self.waiting = self.waiting, []
        for _, deltas in itertools.groupby(waiting, _text_of):
            self._add(list(deltas))


def _is_plain(delta: TextDelta) -> bool:
    """Return True if nothing but its text and its ids is said."""
    return delta.raw is None and delta.meta is None


def _text_of(arrived: Arrived) -> tuple[type, str, str | None]:
    """Return what the deltas of one text have in common."""
    delta = arrived.delta
    return type(delta), delta.id, delta.parent_id
