"""`RedisEvents`: served runs in Redis, for server processes on any number of machines.

It needs Redis 6.2 or newer (`XAUTOCLAIM`), no cluster. What Redis forgets when it is started again
(`appendonly no`) is lost, except for the runs that go on. All keys begin with `nbagent:`.

| key | type | content |
|---|---|---|
| `run:ID` | hash | the run |
| `events:ID` | stream | its events; the id of an entry is the event's number (`12-0`) |
| `session:NAME` | stream | ids of the session's runs |
| `open:NAME` | set | those of them that have not ended |
| `owners` | set | the processes that have runs |
| `owned:OWNER` | set | the runs of a process that have not ended |
| `alive:OWNER` | string | expires when the process is not alive any more |
| `commands:OWNER` | stream | commands to a process |
| `reply:ID` | stream | the reply to one |
| `going-on` | sorted set | the runs that have not ended, by their beginning |
| `ended` | sorted set | the newest of those that have |
| `changes` | stream | its only entry is replaced when a run begins or ends |
| `logout:SESSION` | string | that a browser session was ended; expires when that is over |
| `chat:ID` | hash | where a chat of `useChat` is answered; expires |
| `work:AGENT` | stream | runs that wait, read by the consumer group `servers` |

Sources: https://redis.io/docs/latest/develop/data-types/streams/ and
https://redis.io/docs/latest/commands/xautoclaim/.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

from nbagent.server.problem import Problem
from nbagent.server.stores import redis_scripts
from nbagent.server.stores.event_store import (
    MAX_ENDED,
    MAX_GOING_ON,
    ChatPlace,
    Rows,
    RunList,
    RunMissing,
    StoreBroken,
    StoredRun,
    StoreUnreachable,
)
from nbagent.server.stores.redis_connection import MAX_BLOCK_S, decoding, texts
from nbagent.server.stores.redis_processes import RedisProcesses

_logger = logging.getLogger("nbagent")

READ_EVENTS = 5_000
"""Events that one read returns at most."""

MAX_WAITING = 1_000
"""Runs of an agent that may wait at a time."""

TAKE_AGAIN_S = 0.5
"""Seconds until a run is taken again when Redis did not answer."""

CHAT_EXPIRES_S = 24 * 3600
"""Seconds from the beginning of a run for which its chat is kept."""

GROUP = "servers"
"""Consumer group of the runs that wait."""


class RedisEvents(RedisProcesses):
    """A store in Redis.

    Args:
        url: of the server: `redis://`, `rediss://` (TLS) or `unix://`, as redis-py's `from_url`
            takes it, with two more parameters: `keep_s`, the seconds for which an ended run is kept
            (by default for good), and `heartbeat_expires_ms` in place of `HEARTBEAT_EXPIRES_MS`,
            the same in all processes.

    Attributes:
        owner: id of this process.

    Raises:
        NbagentError: the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._broken: set[str] = set()  # streams with another content, which were logged
        self._begin = self._redis.register_script(redis_scripts.BEGIN)
        self._append = self._redis.register_script(redis_scripts.APPEND)
        self._take = self._redis.register_script(redis_scripts.TAKE)
        self._give_back = self._redis.register_script(redis_scripts.GIVE_BACK)
        self._drop = self._redis.register_script(redis_scripts.DROP)
        self._list_script = self._redis.register_script(redis_scripts.LIST)

    # --- runs ---

    async def begin(self, run: StoredRun) -> StoredRun | None:
        """Add a run; see `EventStore.begin`."""
        if not self._has_beaten:
            await self._beat()  # a run without a living owner would be marked at once
        return await self._added(run, b"")

    async def _added(self, run: StoredRun, job: bytes) -> StoredRun | None:
        its = (run.id, run.agent, run.session or "", run.owner, run.created, run.prompt)
        args = (*its, job, MAX_WAITING)
        while True:
            async with self._reaching():
                reply = (await self._begin(args=args)).decode()
            if reply == "full":
                raise Problem(503, f"{MAX_WAITING:,} runs of {run.agent} wait already")
            if not reply:
                return None
            if (other := await self.find(reply)) is not None:
                return other

    async def append(
        self, run_id: str, events: Sequence[tuple[int, bytes]], *, ended: bool
    ) -> bool:
        """Add events of a run; see `EventStore.append`."""
        args: list[str | int | bytes] = [run_id, int(ended), self._keep_s, MAX_ENDED]
        for event in events:
            args += event
        async with self._reaching():
            reply = await self._append(args=args)
        if reply < 0:
            raise RunMissing(run_id)
        return bool(reply)

    async def read(self, run_id: str, after: int, wait_s: float = 0.0) -> Rows:
        """Return the events of a run after a number, at most `READ_EVENTS` of them; see
        `EventStore.read`.
        """
        entries = await self._read(f"nbagent:events:{run_id}", f"{after}-0", wait_s, READ_EVENTS)
        with decoding(f"an event of the run {run_id}"):
            return [(int(id.partition("-")[0]), fields[b"data"]) for id, fields in entries]

    async def find(self, run_id: str) -> StoredRun | None:
        """Return the run of that id; None if there is none."""
        return next(iter(await self._runs([run_id])), None)

    async def of_session(self, session: str, count: int) -> list[StoredRun]:
        """Return the runs of a session that began last; see `EventStore.of_session`."""
        async with self._reaching():
            entries = await self._redis.xrevrange(f"nbagent:session:{session}", count=count)
        with decoding(f"the session {session!r}"):
            ids = [fields[b"run"].decode() for _, fields in entries]
        return await self._runs(ids)

    async def listed(self, known: RunList | None = None, wait_s: float = 0.0) -> RunList:
        """Return the list of runs; see `EventStore.listed`."""
        async with self._reaching():
            last = await self._redis.xrevrange("nbagent:changes", count=1)
        found = await self._list()
        if found != known or not wait_s:
            return found
        seen = "0-0"
        if last:
            seen = last[0][0].decode()
        if await self._read("nbagent:changes", seen, wait_s, 1):
            found = await self._list()
        return found

    async def _list(self) -> RunList:
        async with self._reaching():
            lists = await self._list_script(args=(MAX_GOING_ON, MAX_ENDED))
        return RunList(
            *([run for id, fields in runs for run in _listed(id, fields)] for runs in lists)
        )

    async def _runs(self, ids: Sequence[str]) -> list[StoredRun]:
        """Return runs by their ids, without those that are not there."""
        async with self._reaching(), self._redis.pipeline(transaction=False) as pipe:
            for id in ids:
                pipe.hgetall(f"nbagent:run:{id}")
            reply: list[dict[bytes, bytes]] = await pipe.execute()
        with decoding(f"one of the runs {', '.join(ids)}"):
            return [_run(id, found) for id, found in zip(ids, reply, strict=True) if found]

    async def next_in(self, session: str, after: str | None, wait_s: float) -> StoredRun | None:
        """Return the run of a session that began next after one; see `EventStore.next_in`."""
        place = b"0-0"
        if after is not None:
            async with self._reaching():
                place = await self._redis.hget(f"nbagent:run:{after}", "place") or b"$"
        for _, fields in await self._read(f"nbagent:session:{session}", place.decode(), wait_s, 1):
            with decoding(f"the session {session!r}"):
                id = fields[b"run"].decode()
            return await self.find(id)
        return None

    async def abandoned(self) -> list[StoredRun]:
        """Return runs that have not ended, although their process has."""
        found: list[StoredRun] = []
        async with self._reaching():
            owners = texts(await self._redis.smembers("nbagent:owners"))
        for owner in [each for each in owners if not await self.is_alive(each)]:
            async with self._reaching():
                ids = await self._redis.smembers(f"nbagent:owned:{owner}")
                if not ids:
                    await self._redis.srem("nbagent:owners", owner)
            for id in texts(ids):
                with contextlib.suppress(StoreBroken):  # the others are still ended
                    run = await self.find(id)
                    if run is not None and not run.ended:
                        found.append(run)
        return found

    # --- browser sessions ---

    async def log_out(self, session: str, end: float) -> None:
        """Keep that a browser session was ended; see `Logouts.log_out`."""
        async with self._reaching():
            await self._redis.set(f"nbagent:logout:{session}", 1, exat=math.ceil(end))

    async def is_logged_out(self, session: str) -> bool:
        """Return True if a browser session was ended, by its id."""
        async with self._reaching():
            return bool(await self._redis.exists(f"nbagent:logout:{session}"))

    # --- chats ---

    async def keep_chat(self, chat: str, place: ChatPlace) -> None:
        """Keep the newest place of a chat; see `Chats.keep_chat`."""
        its = {"run": place.run, "message": place.message or ""}
        async with self._reaching(), self._redis.pipeline() as pipe:
            pipe.hset(f"nbagent:chat:{chat}", mapping=its)
            pipe.expire(f"nbagent:chat:{chat}", CHAT_EXPIRES_S)
            await pipe.execute()

    async def find_chat(self, chat: str) -> ChatPlace | None:
        """Return the newest place of a chat; see `Chats.find_chat`."""
        async with self._reaching():
            found = await self._redis.hgetall(f"nbagent:chat:{chat}")
        with decoding(f"the chat {chat!r}"):
            if not found:
                return None
            return ChatPlace(found[b"run"].decode(), found[b"message"].decode() or None)

    # --- runs that wait ---

    async def put_work(self, run: StoredRun, job: bytes) -> StoredRun | None:
        """Add a run that waits for a process; see `WorkQueue.put_work`."""
        return await self._added(run, job)

    async def take_work(
        self, agents: Sequence[str], wait_s: float, room: Callable[[], int]
    ) -> list[tuple[StoredRun, bytes]]:
        """Return runs for this process; see `WorkQueue.take_work`."""
        wait_s = min(wait_s, MAX_BLOCK_S)
        await self._beat()
        taken: list[tuple[StoredRun, bytes]] = []
        for agent, entry, fields in await self._entries(agents, wait_s):
            try:
                id, job = fields[b"run"].decode(), fields[b"job"]
                if room() <= len(taken):
                    async with self._reaching():
                        await self._give_back(args=[agent, entry, id, job])
                elif (run := await self._taken(agent, entry, id)) is not None:
                    taken.append((run, job))
            except (KeyError, UnicodeDecodeError, StoreBroken) as error:
                _logger.warning(
                    "%s in the queue of %s is no run that waits, and is dropped: %r",
                    entry,
                    agent,
                    error,
                )
                async with self._reaching():
                    await self._drop(args=[agent, entry])
        return taken

    async def _entries(
        self, agents: Sequence[str], wait_s: float
    ) -> list[tuple[str, str, dict[bytes, bytes]]]:
        """Return the next entry of each agent's queue, if it has one: the agent, the entry's id and
        its fields.
        """
        found: list[tuple[bytes, list[Any]]] = []
        streams: dict[str, str] = {}
        for agent in agents:
            stream = f"nbagent:work:{agent}"
            try:
                async with self._reaching():
                    found.append((stream.encode(), await self._claimed(stream)))
                streams[stream] = ">"
            except StoreBroken as error:
                self._say_once(stream, error)
        if streams and not any(entries for _, entries in found):
            block = max(1, int(wait_s * 1000))
            async with self._reaching(wait_s):
                found = await self._redis.xreadgroup(
                    GROUP, self.owner, streams, count=1, block=block
                )
        elif not streams:
            await asyncio.sleep(wait_s)
        # Redis 6 hands on what was deleted (https://github.com/redis/redis/pull/10227), without
        # fields.
        return [
            (stream.decode().removeprefix("nbagent:work:"), entry.decode(), fields)
            for stream, entries in found or ()
            for entry, fields in entries
            if fields
        ]

    async def _claimed(self, stream: str) -> list[Any]:
        """Return an entry that was given to a process which died before it became the owner."""
        await self._ensure_group(stream, GROUP)
        claimed = await self._redis.xautoclaim(stream, GROUP, self.owner, self._expires_ms, count=1)
        return list(claimed[1])

    def _say_once(self, stream: str, error: StoreBroken) -> None:
        if stream not in self._broken:
            self._broken.add(stream)
            _logger.error("no waiting run can be taken: %s", error)

    async def _taken(self, agent: str, entry: str, id: str) -> StoredRun | None:
        """Become the owner of a run. None if another process is, or this one was before."""
        while True:
            # Insists: if Redis has done it and could not say so, nobody else would begin the run.
            with contextlib.suppress(StoreUnreachable):
                async with self._reaching():
                    if not await self._take(args=[agent, entry, id, self.owner]):
                        return None
                return await self.find(id)
            await asyncio.sleep(TAKE_AGAIN_S)


def _listed(id: bytes, fields: list[bytes]) -> list[StoredRun]:
    """Return a run of the list; none if it is gone, or cannot be read: the others are still
    listed.
    """
    with contextlib.suppress(KeyError, ValueError):
        return [_run(id.decode(), dict(zip(fields[::2], fields[1::2], strict=True)))]
    return []


def _run(id: str, found: dict[bytes, bytes]) -> StoredRun:
    """Return a run from its hash."""
    its = {name.decode(): value.decode() for name, value in found.items()}
    int(its["last"])  # without it no event can be added, and a reader would wait for good
    return StoredRun(
        id=id,
        agent=its["agent"],
        session=its["session"] or None,
        owner=its["owner"],
        created=float(its["created"]),
        ended=its["ended"] == "1",
        prompt=its.get("prompt", ""),
    )
