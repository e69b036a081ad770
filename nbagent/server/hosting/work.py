"""`Work`: runs that wait in a store until a process has room for them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.server.hosting.questions import Answers
from nbagent.server.stores.event_store import StoredRun, WorkQueue

TAKE_WAIT_S = 5.0
"""Seconds that one request for work waits."""


class Job(msgspec.Struct):
    """Prompt and options of a run that waits for room.

    Attributes:
        prompt: as for `Agent.stream`.
        options: of the run, as for `nbagent.show`.
        answers: questions that the client can answer; others are refused at once.
        client_options: what else the client asks for.
    """

    prompt: Any
    options: dict[str, Any]
    answers: Answers = "all"
    client_options: ClientOptions = NO_OPTIONS


class Work:
    """Puts runs that find no room in this process into the queue of all processes, and takes runs
    from it.

    Args:
        queue: of the runs that wait.
        agents: names of the agents whose runs this process takes.
        room: returns how many runs it can take.
    """

    def __init__(self, queue: WorkQueue, agents: Sequence[str], room: Callable[[], int]) -> None:
        self._queue = queue
        self._agents = agents
        self._room = room
        self._room_changed = asyncio.Event()

    async def put(self, stored: StoredRun, job: bytes) -> StoredRun | None:
        """Let a run wait; see `WorkQueue.put_work`."""
        return await self._queue.put_work(stored, job)

    async def taken(self) -> AsyncIterator[tuple[StoredRun, bytes]]:
        """Yield runs, now this process's, with their jobs, whenever it has room."""
        while True:
            while self._room() <= 0:
                self._room_changed.clear()
                await self._room_changed.wait()
            for run in await self._queue.take_work(self._agents, TAKE_WAIT_S, self._room):
                yield run

    def room_changed(self) -> None:
        """Say that a run of this process has ended."""
        self._room_changed.set()


def encoded(job: Job) -> bytes | None:
    """Return the JSON of a job; None if something in it would mean less in another process."""
    try:
        raw = msgspec.json.encode(job)
    except TypeError:
        return None
    return raw if msgspec.json.decode(raw, type=Job) == job else None
