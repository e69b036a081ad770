"""`Feed`: the stream of a served run in the form of one system, encoded once for all its readers."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from nbagent import events as e
from nbagent.adapters.base.encoder import Encoder
from nbagent.server.position import START, Position

KEEP_ALIVE_S = 15.0
"""Seconds of silence after which a reader is sent a comment, so that no proxy takes the connection for dead."""


class Followed(Protocol):
    """The events of a run, as far as they have come."""

    @property
    def events(self) -> Sequence[e.Event]:
        """The events so far."""
        ...

    @property
    def ended(self) -> bool:
        """True if there are no more to come."""
        ...

    async def changed(self, seen: int) -> None:
        """Wait until there are more than `seen` events, or the run has ended."""
        ...


class Feed:
    """The pieces of a stream. Each reader goes through them at its own pace: a slow one keeps nothing for itself.

    Args:
        run: whose stream it is.
        encoder: writes the pieces.

    Attributes:
        encoder: writes the pieces.
    """

    def __init__(self, run: Followed, encoder: Encoder) -> None:
        self.encoder = encoder
        self._run = run
        self._read = 0  # events that are encoded
        self._positions: list[Position] = []
        self._items: list[Any] = []

    async def items(self, after: Position = START) -> AsyncIterator[tuple[Position, Any] | None]:
        """Yield the items behind a position, each with its own, until the run ends. None stands for a silence."""
        self._encode()
        at = bisect_right(self._positions, after)
        while True:
            while at < len(self._items):
                if self._positions[at] > after:  # of a run that is still being read from the store, the first ones are not
                    yield self._positions[at], self._items[at]
                at += 1
            if self._run.ended and self._read == len(self._run.events):
                return
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._run.changed(self._read)
            except TimeoutError:
                yield None
            self._encode()

    def so_far(self) -> list[tuple[Position, Any]]:
        """Return the items that there are, each with its position."""
        self._encode()
        return list(zip(self._positions, self._items, strict=True))

    def is_over(self, after: Position) -> bool:
        """Return True if nothing comes behind a position any more."""
        self._encode()
        return self._run.ended and bool(self._positions) and after >= self._positions[-1]

    def _encode(self) -> None:
        for event in self._run.events[self._read :]:
            for number, item in enumerate(self.encoder.feed(event), 1):
                self._positions.append(Position(event.seq, number))
                self._items.append(item)
        self._read = len(self._run.events)
