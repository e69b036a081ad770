"""Deltas joined for the network: many small frames cost more than a few larger ones."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from nbagent import events as ev

_DELTAS = frozenset({ev.TextDelta, ev.ReasoningDelta, ev.ToolArgsDelta})


class DeltaJoiner:
    """Holds deltas of one block until they are due, and joins them to one.

    Any other event is passed on after them.

    Args:
        seconds: age of the first delta at which they are due.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._held: list[Any] = []
        self._due = 0.0

    @property
    def left(self) -> float | None:
        """Seconds until the held deltas are due; None if there are none."""
        if self._held:
            return max(0.0, self._due - time.monotonic())
        return None

    def feed(self, event: ev.Event) -> list[ev.Event]:
        """Return the events that are ready."""
        if self._held and _is_same_block(self._held[0], event):
            ready = []
        else:
            ready = self.flush()
        if type(event) not in _DELTAS:
            return [*ready, event]
        if not self._held:
            self._due = time.monotonic() + self._seconds
        self._held.append(event)
        if self.left:
            return ready
        return [*ready, *self.flush()]

    def flush(self) -> list[ev.Event]:
        """Return the held deltas as one, with the envelope of the last; nothing if there are
        none.
        """
        held, self._held = self._held, []
        if held:
            return [replace(held[-1], delta="".join(event.delta for event in held))]
        return []


def _is_same_block(first: Any, event: ev.Event) -> bool:
    return type(event) is type(first) and event.id == first.id  # type: ignore[union-attr]


def joined(events: Iterable[ev.Event], seconds: float) -> Iterator[ev.Event]:
    """Yield the events with joined deltas. Deltas that are due wait for the next event."""
    joiner = DeltaJoiner(seconds)
    try:
        for event in events:
            yield from joiner.feed(event)
    except Exception:
        yield from joiner.flush()
        raise
    yield from joiner.flush()


async def async_joined(
    events: AsyncIterable[ev.Event], seconds: float
) -> AsyncGenerator[ev.Event, None]:
    """Yield the events with joined deltas, as soon as these are due."""
    joiner, iterator = DeltaJoiner(seconds), aiter(events)
    pending: asyncio.Future[ev.Event] | None = None
    error: BaseException | None = None
    try:
        while error is None:
            pending = pending or asyncio.ensure_future(anext(iterator))
            done, _ = await asyncio.wait([pending], timeout=joiner.left)
            if not done:
                ready = joiner.flush()
            else:
                error = pending.exception()  # raises if the read was cancelled
                if error is None:
                    ready = joiner.feed(pending.result())
                else:
                    ready = joiner.flush()
                pending = None
            for event in ready:
                yield event
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait([pending])
    if not isinstance(error, StopAsyncIteration):
        raise error
