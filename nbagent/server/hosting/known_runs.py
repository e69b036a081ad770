"""`KnownRuns`: the served runs of a store, as far as this process has read or hosts them."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

from nbagent.server.hosting.hosted_run import RETRY_S, HostedRun
from nbagent.server.stores.event_store import (
    ChatPlace,
    EventStore,
    RunList,
    RunMissing,
    StoredRun,
    StoreFault,
)

MAX_ENDED_RUNS = 100
"""Ended runs whose events are kept in memory; those of older ones are read from the store again."""

NEXT_WAIT_S = 30.0
"""Seconds that one request for a session's next run waits."""


class KnownRuns:
    """Runs by their ids, each read once for all who ask for it. It is used on the server's loop.

    Args:
        store: keeps the events of the runs.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._runs: OrderedDict[str, HostedRun] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, run_id: str) -> HostedRun:
        """Return a run by its id, also one of another process or of an earlier one.

        Raises:
            RunMissing: there is none of that id (404).
            StoreFault: the store does not answer.
        """
        if run_id in self._runs:
            self._runs.move_to_end(run_id)
            return self._runs[run_id]
        stored = await self._store.find(run_id)
        if stored is None:
            raise RunMissing(run_id)
        if run_id in self._runs:  # another request was first
            return self._runs[run_id]
        hosted = self._keep(HostedRun(stored, self._store))
        following = self._spawn(hosted.follow())
        if stored.ended:
            await asyncio.shield(following)
        return hosted

    async def as_stored(self, run_id: str) -> HostedRun:
        """Return a run as it is now. One of another process is not followed for that.

        Raises:
            RunMissing: there is none of that id (404).
            StoreFault: the store does not answer.
        """
        if run_id in self._runs:
            return await self.find(run_id)
        stored = await self._store.find(run_id)
        if stored is None or stored.ended or run_id in self._runs:
            return await self.find(run_id)
        hosted = HostedRun(stored, self._store)
        await hosted.read()
        return hosted

    async def runs(self) -> RunList:
        """Return the list of the runs of all processes, read from the store.

        Raises:
            StoreFault: it does not answer.
        """
        return self.corrected(await self._store.listed())

    def corrected(self, listed: RunList) -> RunList:
        """Return a list of runs in which those have ended whose end a broken store could not
        keep.
        """
        ended = [
            run for run in listed.going_on if run.id in self._runs and self._runs[run.id].ended
        ]
        going_on = [run for run in listed.going_on if run not in ended]
        return RunList(going_on, [*ended, *listed.ended]) if ended else listed

    async def of_session(self, session: str, count: int) -> list[StoredRun]:
        """Return the runs of a session that began last, at most so many, the newest first.

        Raises:
            StoreFault: the store does not answer.
        """
        return await self._store.of_session(session, count)

    async def newest(self, session: str) -> HostedRun | None:
        """Return the run of a session that began last; None if it had none."""
        stored = next(iter(await self.of_session(session, 1)), None)
        return None if stored is None else await self.find(stored.id)

    async def keep_chat(self, chat: str, place: ChatPlace) -> None:
        """Keep where a chat is answered from now on.

        Raises:
            StoreFault: the store does not answer, or has no room.
        """
        await self._store.keep_chat(chat, place)

    async def in_chat(self, chat: str) -> tuple[HostedRun, str | None] | None:
        """Return the run that answers a chat, with the id of the message that it goes on with; None
        if no run does.

        Raises:
            StoreFault: the store does not answer.
        """
        place = await self._store.find_chat(chat)
        if place is None:
            return None
        with contextlib.suppress(RunMissing):  # it has not begun, or was let go of
            run = await self.find(place.run)
            if not run.ended:
                return run, place.message
        return None

    async def next_in(self, session: str, after: HostedRun | None = None) -> HostedRun:
        """Return the run of a session that begins next after one, in whichever process; its first
        one for None.
        """
        while True:
            try:
                stored = await self._store.next_in(
                    session, None if after is None else after.id, NEXT_WAIT_S
                )
                if stored is not None:
                    return await self.find(stored.id)
            except StoreFault:
                await asyncio.sleep(RETRY_S)

    def _keep(self, hosted: HostedRun) -> HostedRun:
        self._runs[hosted.id] = hosted
        self._forget()
        return hosted

    def _forget(self) -> None:
        """Let go of the oldest runs that have ended."""
        ended = [each.id for each in self._runs.values() if each.ended]
        for run_id in ended[: max(0, len(ended) - MAX_ENDED_RUNS)]:
            del self._runs[run_id]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
