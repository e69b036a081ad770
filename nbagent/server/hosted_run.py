"""`HostedRun`: a served run, whose events are stored and then read by any number of readers."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

import msgspec

from nbagent import events as e
from nbagent.adapters.base.encoder import Encoder
from nbagent.adapters.encoders import encoder_named
from nbagent.adapters.joined import async_joined
from nbagent.run import Run
from nbagent.server.event_store import EventStore, StoredRun
from nbagent.server.feed import Feed
from nbagent.server.owner import is_alive

JOIN_S = 0.02
"""Seconds for which deltas of a block are held back, to be stored and sent as one."""

FOREIGN_POLL_S = 0.2
"""Seconds between two looks at a run of another process, while it has a reader here: an SQLite file tells nobody."""

SERVER_STOPPED = "server_stopped"
"""Code of a run whose process ended before it did."""


class HostedRun:
    """A run of this process or of another one, with its events. It is used on the server's loop.

    Args:
        stored: the run in the store.
        store: keeps its events.

    Attributes:
        stored: the run in the store.
        events: that are stored, in order.
        ended: whether the last event is among them.
        run: the run itself; None if it runs elsewhere, or has ended before this process began.
        readers: number of responses and WebSockets that it streams to.
    """

    def __init__(self, stored: StoredRun, store: EventStore) -> None:
        self.stored = stored
        self.events: list[e.Event] = []
        self.ended = False
        self.run: Run | None = None
        self.readers = 0
        self._store = store
        self._feeds: dict[str, Feed] = {}
        self._changed = asyncio.Event()

    @property
    def id(self) -> str:
        """Id of the run."""
        return self.stored.id

    def feed(self, system: str) -> Feed:
        """Return the stream of the run in the form of a system, which all its readers share."""
        return self.encoded_by(system, lambda: encoder_named(system))

    def encoded_by(self, key: str, encoder: Callable[[], Encoder]) -> Feed:
        """Return the stream of the run as an encoder of that kind writes it, shared by the readers who give the same key."""
        if key not in self._feeds:
            self._feeds[key] = Feed(self, encoder())
        return self._feeds[key]

    async def changed(self, seen: int) -> None:
        """Wait until there are more than `seen` events, or the run has ended."""
        while len(self.events) <= seen and not self.ended:
            await self._changed.wait()

    async def host(self, run: Run, join_s: float = JOIN_S) -> None:
        """Run a run to its end, and store its events.

        Args:
            run: the run.
            join_s: seconds for which deltas of a block are held back; 0 keeps each by itself.
        """
        self.run = run
        try:
            async with (
                contextlib.aclosing(async_joined(run.stream(), join_s)) as events,
                contextlib.aclosing(_batches(events)) as batches,
            ):
                async for batch in batches:
                    await self._add(batch)
        finally:
            self.run = None
            if not self.ended:
                await self._add([self._cut()])

    async def follow(self) -> None:
        """Read the events that are stored, until the end of the run. One whose process has ended is ended here."""
        while not self.ended:
            alive = is_alive(self.stored.owner)
            rows = await asyncio.to_thread(self._store.read, self.id, self.events[-1].seq if self.events else 0)
            self._publish([e.from_json(data) for _, data in rows])
            if rows:
                continue
            if not alive:
                await self._add([self._cut()])
            elif not self.ended:
                await asyncio.sleep(FOREIGN_POLL_S)

    def _cut(self) -> e.Event:
        last = self.events[-1] if self.events else e.RunStart()
        return e.RunEnd(status="incomplete", code=SERVER_STOPPED, seq=last.seq + 1, ts=last.ts, run_id=self.id)

    async def _add(self, events: Sequence[e.Event]) -> None:
        """Store events, then show them: a reader never has one that is not stored."""
        own = [self._named(event) for event in events]
        rows = [(event.seq, e.to_json(event)) for event in own]
        ended = isinstance(own[-1], e.RunEnd)
        await asyncio.to_thread(self._store.append, self.id, rows, ended=ended)
        self._publish(own)

    def _named(self, event: e.Event) -> e.Event:
        """Return an event with the ids that clients know: the run's, and at its start the session's."""
        if isinstance(event, e.RunStart) and event.thread_id is None:
            return msgspec.structs.replace(event, run_id=self.id, thread_id=self.stored.session)
        return msgspec.structs.replace(event, run_id=self.id)

    def _publish(self, events: Sequence[e.Event]) -> None:
        self.events.extend(events)
        self.ended = self.ended or any(isinstance(event, e.RunEnd) for event in events)
        self._changed.set()
        self._changed = asyncio.Event()


async def _batches(events: AsyncIterator[e.Event]) -> AsyncGenerator[list[e.Event]]:
    """Yield the events in lists of all that have come while the last one was stored."""
    queue: asyncio.Queue[e.Event | None] = asyncio.Queue(1024)

    async def read() -> None:
        try:
            async for event in events:
                await queue.put(event)
        finally:
            await queue.put(None)

    reader = asyncio.create_task(read())
    try:
        event = await queue.get()
        while event is not None:
            batch = []
            while event is not None:
                batch.append(event)
                if queue.empty():
                    break
                event = queue.get_nowait()
            yield batch
            event = None if event is None else await queue.get()
        await reader
    finally:
        reader.cancel()
        await asyncio.wait([reader])  # it is in `events`, which the caller closes next
