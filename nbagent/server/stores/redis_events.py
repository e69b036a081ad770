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
| `work:AGENT` | stream | runs that wait, read by the consumer group `servers` |

Sources: https://redis.io/docs/latest/develop/data-types/streams/ and
https://redis.io/docs/latest/commands/xautoclaim/.
"""

import asyncio
import contextlib
import logging
import math
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from nbagent.agent.sessions.redis_store import own_parameters, public_name
from nbagent.errors import MissingExtra, NbagentError
from nbagent.gate import secrets as credentials
from nbagent.server.problem import Problem
from nbagent.server.stores import redis_scripts
from nbagent.server.stores.event_store import (
    MAX_ENDED,
    MAX_GOING_ON,
    WAITING,
    Rows,
    RunList,
    RunMissing,
    StoreBroken,
    StoredRun,
    StoreUnreachable,
    TakeCommand,
)

try:
    from redis import exceptions
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import ExponentialWithJitterBackoff
except ImportError:
    raise MissingExtra("A store in Redis", "redis") from None

_logger = logging.getLogger("nbagent")

HEARTBEAT_EXPIRES_MS = 10_000
"""Milliseconds after its last sign of life until a process counts as dead; it gives three in that
time.
"""

READ_EVENTS = 5_000
"""Events that one read returns at most."""

MAX_WAITING = 1_000
"""Runs of an agent that may wait at a time."""

MAX_BLOCK_S = 30.0
"""Seconds that one blocking read lasts at most."""

REPLY_EXPIRES_S = 60
"""Seconds for which a reply is kept."""

COMMANDS_EXPIRE_S = 3_600
"""Seconds after the last command for which a process's commands are kept."""

TIMEOUT_S = 5.0
"""Seconds to wait for a connection, and for a reply that does not block."""

RETRIES = 3
"""Attempts after the first one, within about a second, before Redis counts as unreachable."""

LASTING = (
    "WRONGTYPE",
    "ID specified in XADD",
    "not an integer",
    "not a valid float",
    "attempt to ",
)
"""Parts of Redis's errors, and of Lua's in scripts, about a key whose content something else has
changed.
"""

GROUP = "servers"
"""Consumer group of the runs that wait."""


class RedisEvents:
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
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        url, parameters = own_parameters(url)
        self._name = public_name(url)
        try:
            self._keep_s = int(parameters.get("keep_s", 0))
            self._expires_ms = int(parameters.get("heartbeat_expires_ms", HEARTBEAT_EXPIRES_MS))
            self._redis = _client(url)
        except ValueError as error:
            raise NbagentError(f"{self._name} is no address of a Redis: {error}") from error
        # A process that was silent for no longer than this left no gap in which another's sign of
        # life could expire.
        self._silence_s = self._expires_ms * 2 / 3000
        credentials.register(urlsplit(url).password)
        self._has_beaten = False
        self._last_beat = math.inf  # of those that `serve` repeats; in monotonic seconds
        self._unsure_until = -math.inf
        self._last_command = "0-0"
        self._broken: set[str] = set()  # streams with another content, which were logged
        self._begin = self._redis.register_script(redis_scripts.BEGIN)
        self._append = self._redis.register_script(redis_scripts.APPEND)
        self._take = self._redis.register_script(redis_scripts.TAKE)
        self._give_back = self._redis.register_script(redis_scripts.GIVE_BACK)
        self._drop = self._redis.register_script(redis_scripts.DROP)
        self._list_script = self._redis.register_script(redis_scripts.LIST)

    async def check_writable(self) -> None:
        """Write something to Redis; see `EventStore.check_writable`."""
        await self._beat()

    async def close(self) -> None:
        """Leave Redis: this process is no longer alive for the others."""
        with contextlib.suppress(StoreUnreachable):
            await self._leave()
        await self._redis.aclose()

    async def _leave(self) -> None:
        async with self._reaching():
            await self._redis.delete(f"nbagent:alive:{self.owner}")

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
        with _decoding(f"an event of the run {run_id}"):
            return [(int(id.partition("-")[0]), fields[b"data"]) for id, fields in entries]

    async def find(self, run_id: str) -> StoredRun | None:
        """Return the run of that id; None if there is none."""
        return next(iter(await self._runs([run_id])), None)

    async def of_session(self, session: str, count: int) -> list[StoredRun]:
        """Return the runs of a session that began last; see `EventStore.of_session`."""
        async with self._reaching():
            entries = await self._redis.xrevrange(f"nbagent:session:{session}", count=count)
        with _decoding(f"the session {session!r}"):
            ids = [fields[b"run"].decode() for _, fields in entries]
        return await self._runs(ids)

    async def listed(self, known: RunList | None = None, wait_s: float = 0.0) -> RunList:
        """Return the list of runs; see `EventStore.listed`."""
        async with self._reaching():
            last = await self._redis.xrevrange("nbagent:changes", count=1)
        found = await self._list()
        if (
            found == known
            and wait_s
            and await self._read(
                "nbagent:changes", last[0][0].decode() if last else "0-0", wait_s, 1
            )
        ):
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
        with _decoding(f"one of the runs {', '.join(ids)}"):
            return [_run(id, found) for id, found in zip(ids, reply, strict=True) if found]

    async def next_in(self, session: str, after: str | None, wait_s: float) -> StoredRun | None:
        """Return the run of a session that began next after one; see `EventStore.next_in`."""
        place = b"0-0"
        if after is not None:
            async with self._reaching():
                place = await self._redis.hget(f"nbagent:run:{after}", "place") or b"$"
        for _, fields in await self._read(f"nbagent:session:{session}", place.decode(), wait_s, 1):
            with _decoding(f"the session {session!r}"):
                id = fields[b"run"].decode()
            return await self.find(id)
        return None

    # --- processes ---

    async def is_alive(self, owner: str) -> bool:
        """Return True if that process gave a sign of life lately, or could not, because Redis was
        away.
        """
        if owner == WAITING:
            return True
        async with self._reaching():
            if await self._redis.exists(f"nbagent:alive:{owner}") or self._is_unsure():
                return True
            info = await self._redis.info("server")
        return bool(int(info["uptime_in_seconds"]) * 1000 < self._expires_ms)

    def _is_unsure(self) -> bool:
        """Return True if this process could not reach Redis lately, and so perhaps no other one
        either.
        """
        now = monotonic()
        return now < self._unsure_until or now - self._last_beat > self._silence_s

    async def abandoned(self) -> list[StoredRun]:
        """Return runs that have not ended, although their process has."""
        found: list[StoredRun] = []
        async with self._reaching():
            owners = _texts(await self._redis.smembers("nbagent:owners"))
        for owner in [each for each in owners if not await self.is_alive(each)]:
            async with self._reaching():
                ids = await self._redis.smembers(f"nbagent:owned:{owner}")
                if not ids:
                    await self._redis.srem("nbagent:owners", owner)
            for id in _texts(ids):
                with contextlib.suppress(StoreBroken):  # the others are still ended
                    run = await self.find(id)
                    found += [run] if run is not None and not run.ended else []
        return found

    async def ask(self, owner: str, command: bytes, wait_s: float) -> bytes | None:
        """Give a process a command, and return its reply; see `EventStore.ask`."""
        id, key = secrets.token_hex(16), f"nbagent:commands:{owner}"
        async with self._reaching():
            await self._redis.xadd(key, {"id": id, "command": command}, maxlen=MAX_WAITING)
            await self._redis.expire(key, COMMANDS_EXPIRE_S)
        # It may be there twice, if the connection broke at that moment; the first reply is to the
        # first one.
        for _, fields in await self._read(f"nbagent:reply:{id}", "0-0", wait_s, 1):
            return bytes(fields[b"reply"])
        return None

    async def serve(self, take: TakeCommand) -> None:
        """Be alive for other processes, and carry out the commands that they give to this one,
        until cancelled.
        """
        beating = asyncio.create_task(self._keep_beating())
        try:
            while True:
                entries = await self._read(
                    f"nbagent:commands:{self.owner}", self._last_command, MAX_BLOCK_S, 1
                )
                for id, fields in entries:
                    self._last_command = id
                    with contextlib.suppress(KeyError, UnicodeDecodeError):  # not ours
                        asker, command = fields[b"id"].decode(), fields[b"command"]
                        await self._reply(asker, await take(command))
        finally:
            beating.cancel()
            await asyncio.wait([beating])

    async def _reply(self, command: str, reply: bytes) -> None:
        async with self._reaching():
            await self._redis.xadd(f"nbagent:reply:{command}", {"reply": reply})
            await self._redis.expire(f"nbagent:reply:{command}", REPLY_EXPIRES_S)

    async def _keep_beating(self) -> None:
        try:
            while True:
                with contextlib.suppress(StoreUnreachable):
                    await self._beat()
                    if monotonic() - self._last_beat > self._silence_s:
                        # The others get the time for a sign of life, too.
                        self._unsure_until = monotonic() + self._expires_ms / 1000
                    self._last_beat = monotonic()
                await asyncio.sleep(self._expires_ms / 3000)
        finally:
            self._last_beat = math.inf

    async def _beat(self) -> None:
        async with self._reaching():
            await self._redis.set(f"nbagent:alive:{self.owner}", 1, px=self._expires_ms)
        self._has_beaten = True

    # --- browser sessions ---

    async def log_out(self, session: str, end: float) -> None:
        """Keep that a browser session was ended; see `Logouts.log_out`."""
        async with self._reaching():
            await self._redis.set(f"nbagent:logout:{session}", 1, exat=math.ceil(end))

    async def is_logged_out(self, session: str) -> bool:
        """Return True if a browser session was ended, by its id."""
        async with self._reaching():
            return bool(await self._redis.exists(f"nbagent:logout:{session}"))

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
        with contextlib.suppress(exceptions.ResponseError):  # the group is there
            await self._redis.xgroup_create(stream, GROUP, "0", mkstream=True)
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
            await asyncio.sleep(TIMEOUT_S / 10)

    # --- the connection ---

    async def _read(
        self, key: str, after: str, wait_s: float, count: int
    ) -> list[tuple[str, dict[bytes, bytes]]]:
        """Return the entries of a stream behind one, by its id; wait some seconds for the first."""
        wait_s = min(wait_s, MAX_BLOCK_S)
        block = max(1, int(wait_s * 1000)) if wait_s else None
        async with self._reaching(wait_s):
            reply = await self._redis.xread({key: after}, count=count, block=block)
        return [(id.decode(), fields) for _, entries in reply or () for id, fields in entries]

    @contextlib.asynccontextmanager
    async def _reaching(self, wait_s: float = 0.0) -> AsyncIterator[None]:
        """Raise Redis's errors as those of a store: one that is full, loading or read-only may be
        well again soon.

        Args:
            wait_s: seconds that the commands in it block.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S + wait_s):
                yield
        except (exceptions.RedisError, TimeoutError) as error:
            if isinstance(error, exceptions.ResponseError) and any(
                part in str(error) for part in LASTING
            ):
                message = (
                    f"a key in the store {self._name} has another content than nbagent gave it: "
                    f"{error}"
                )
                raise StoreBroken(message) from error
            raise StoreUnreachable(
                f"the store {self._name} does not answer: {str(error) or 'no reply in time'}"
            ) from error


@contextlib.contextmanager
def _decoding(what: str) -> Iterator[None]:
    """Raise the errors of content that nbagent has not written as `StoreBroken`."""
    try:
        yield
    except (KeyError, ValueError) as error:
        raise StoreBroken(f"{what} cannot be read in the store: {error!r}") from error


def _texts(names: Iterable[bytes]) -> list[str]:
    """Return names as texts, without those that nbagent cannot have written."""
    found: list[str] = []
    for name in names:
        with contextlib.suppress(UnicodeDecodeError):
            found.append(name.decode())
    return found


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


def _client(url: str) -> Any:
    return Redis.from_url(
        url,
        protocol=2,  # replies of one form, whatever the versions of Redis and redis-py
        # With a time-out, redis-py sends in `asyncio.wait_for`, which on Python 3.11 may swallow a
        # cancellation (gh-86296).
        socket_timeout=None,
        socket_connect_timeout=TIMEOUT_S,
        max_connections=10_000,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), RETRIES),
        retry_on_error=[
            exceptions.ConnectionError,
            exceptions.TimeoutError,
            exceptions.BusyLoadingError,
        ],
    )
