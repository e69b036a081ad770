"""`Delivery`: the pieces and the pace in which a run's texts come to its reader."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias

from msgspec.structs import replace

from nbagent import events as e

Put: TypeAlias = Callable[[e.Event], Awaitable[None]]
Produce: TypeAlias = Callable[[Put], Coroutine[Any, Any, None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The pace and the pieces in which texts come.

    Attributes:
        streaming: False for each text in one piece, when it is complete.
        thinking: False leaves the model's thoughts out. True shows them to the clients of a
            server, too, unless it is told how much to reveal.
        chunk_chars: characters of a piece; the last one of a text may be shorter. None for pieces
            as the model sends them.
        delay_s: seconds between two pieces.
        buffer_chars: characters that may wait for their turn; while there are more, no more is read
            from the model.
    """

    streaming: bool = True
    thinking: bool | None = None
    chunk_chars: int | None = None
    delay_s: float = 0.0
    buffer_chars: int | None = None

    async def deliver(self, produce: Produce, put: Put) -> None:
        """Run a producer of events, and put them in their pieces, at their pace.

        Args:
            produce: called with a function like `put`. As it is cancelled, all that waits is put at
                once.
            put: takes each event.
        """
        pieces = Pieces(self)
        paced = Paced(self, put)

        async def take(event: e.Event) -> None:
            for piece in pieces.feed(event):
                await paced.put(piece)

        await paced.run(produce(take))


class Pieces:
    """Joins and cuts the deltas of texts. Pure: `feed` returns events for an event."""

    def __init__(self, delivery: Delivery) -> None:
        self._size = delivery.chunk_chars if delivery.streaming else None
        self._thinks = delivery.thinking is not False
        self._as_sent = delivery.streaming and delivery.chunk_chars is None
        self._held: dict[str, str] = {}

    def feed(self, event: e.Event) -> list[e.Event]:
        """Return the events that come in place of one."""
        match event:
            case e.ReasoningStart() | e.ReasoningDelta() | e.ReasoningEnd() if not self._thinks:
                return []
            case e.TextDelta() | e.ReasoningDelta() if not self._as_sent:
                text = self._held.get(event.id, "") + event.delta
                size = self._size or len(text) + 1
                cuts = range(0, len(text) - size + 1, size)
                self._held[event.id] = text[len(cuts) * size :]
                return [replace(event, delta=text[start : start + size]) for start in cuts]
            case e.TextEnd() | e.ReasoningEnd():
                kind = e.TextDelta if isinstance(event, e.TextEnd) else e.ReasoningDelta
                left = self._held.pop(event.id, "")
                place = {name: getattr(event, name) for name in ("step", "agent", "parent_id")}
                if left:
                    return [kind(id=event.id, delta=left, **place), event]
                return [event]
        return [event]


class Paced:
    """Puts events one after the other, with a delay after each piece of text.

    Args:
        delivery: the pace.
        put: takes each event.
    """

    def __init__(self, delivery: Delivery, put: Put) -> None:
        self._delay = delivery.delay_s
        self._limit = delivery.buffer_chars
        self._put = put
        self._waiting: deque[e.Event] = deque()
        self._chars = 0
        self._over = False
        self._has_events, self._has_room, self._is_cancelled = (
            asyncio.Event(),
            asyncio.Event(),
            asyncio.Event(),
        )

    async def put(self, event: e.Event) -> None:
        """Have an event put when it is its turn. Waits while too many characters wait."""
        if not self._delay:
            await self._put(event)
            return
        self._waiting.append(event)
        self._chars += _chars(event)
        self._has_events.set()
        while (
            self._limit is not None
            and self._chars > self._limit
            and not self._is_cancelled.is_set()
        ):
            self._has_room.clear()
            await self._has_room.wait()

    async def run(self, producer: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that calls `put`, until all is put.

        Cancelling cancels it, and puts what waits without delay.
        """
        if not self._delay:
            await producer
            return
        tasks = [asyncio.create_task(self._produce(producer)), asyncio.create_task(self._send())]
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            self._is_cancelled.set()
            self._has_room.set()
            tasks[0].cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            task.result()

    async def _produce(self, producer: Coroutine[Any, Any, None]) -> None:
        try:
            await producer
        finally:
            self._over = True
            self._has_events.set()

    async def _send(self) -> None:
        while self._waiting or not self._over:
            if not self._waiting:
                self._has_events.clear()
                await self._has_events.wait()
                continue
            event = self._waiting.popleft()
            await self._put(event)
            if chars := _chars(event):
                self._chars -= chars
                self._has_room.set()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._is_cancelled.wait(), self._delay)


def _chars(event: e.Event) -> int:
    if isinstance(event, (e.TextDelta, e.ReasoningDelta)):
        return len(event.delta)
    return 0
