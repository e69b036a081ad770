"""`Feed`: the stream of a served run in the form of one system, encoded once for all its
readers.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Protocol

from nbagent import events as e
from nbagent.adapters.base.encoder_protocol import Encoder
from nbagent.server.hosting.position import START, Position

KEEP_ALIVE_S = 15.0
"""Seconds of silence after which a reader is sent a comment, so that no proxy takes the connection
for dead.
"""


SEND_BYTES = 64 * 1024
"""Bytes of a stream that are sent at a time at most.

Small frames are joined, because each `send` costs more than they do.
"""


class Followed(Protocol):
    """The events of a run, as far as they have come."""

    @property
    def id(self) -> str:
        """Id of the run."""
        ...

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
    """The pieces of a stream.

    Each reader goes through them at its own pace: a slow one keeps nothing for itself.

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
        self._frames: list[bytes] = []  # of the first items: those that a reader has come to

    async def items(self, after: Position = START) -> AsyncIterator[tuple[Position, Any] | None]:
        """Yield the items behind a position, each with its own, until the run ends.

        None stands for a silence.
        """
        async for span in self._spans(after):
            if span is None:
                yield None
                continue
            for at in span:
                yield self._positions[at], self._items[at]

    async def frames(self, after: Position = START) -> AsyncIterator[bytes | None]:
        """Yield the bytes of a response's body behind a position, as many as there are, until the
        run ends. None: a silence.
        """
        async for span in self._spans(after):
            if span is None:
                yield None
                continue
            self._frame(span.stop)
            for sent in self._sends(span):
                yield sent

    def _sends(self, span: range) -> Iterator[bytes]:
        """Yield the frames of a span in pieces of `SEND_BYTES` at most: a slow reader has one of
        them waiting for it.
        """
        begin, size = span.start, 0
        for at in span:
            frame = self._frames[at]
            if begin < at and size + len(frame) > SEND_BYTES:
                yield b"".join(self._frames[begin:at])
                begin, size = at, 0
            size += len(frame)
            if size > SEND_BYTES:
                yield from (
                    frame[cut : cut + SEND_BYTES] for cut in range(0, len(frame), SEND_BYTES)
                )
                begin, size = at + 1, 0
        if begin < span.stop:
            yield b"".join(self._frames[begin : span.stop])

    async def _spans(self, after: Position) -> AsyncIterator[range | None]:
        """Yield the places in the lists behind a position, as these are filled, until the run ends.
        None: a silence.
        """
        self._encode()
        at = 0
        while True:
            # Each time: of a run that is still being read from the store, the first ones may come
            # only now.
            at = max(at, bisect_right(self._positions, after))
            if at < len(self._items):
                yield range(at, at := len(self._items))
                continue
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

    def _frame(self, stop: int) -> None:
        for at in range(len(self._frames), stop):
            self._frames.append(
                self.encoder.frame(self._items[at], self._positions[at].id_in(self._run.id))
            )
