"""`RedisEvents`: served runs in Redis, for server processes on any number of machines.

It needs Redis 6.2 or newer (`XAUTOCLAIM`), no cluster. What Redis forgets when it is started again (`appendonly no`) is lost,
except for the runs that go on. All keys begin with `nbagent:`.

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
| `work:AGENT` | stream | runs that wait, read by the consumer group `servers` |

Sources: https://redis.io/docs/latest/develop/data-types/streams/ and https://redis.io/docs/latest/commands/xautoclaim/.
"""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from nbagent.agent.redis_store import own_parameters, public_name
from nbagent.errors import MissingExtra, NbagentError
from nbagent.gate import secrets as credentials
from nbagent.server.event_store import WAITING, Rows, RunMissing, StoredRun, StoreUnreachable, TakeCommand
from nbagent.server.problem import Problem

try:
    from redis import exceptions
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import ExponentialWithJitterBackoff
except ImportError:
    raise MissingExtra("A store in Redis", "redis") from None

HEARTBEAT_EXPIRES_MS = 10_000
"""Milliseconds after its last sign of life until a process counts as dead; it gives three in that time."""

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

GROUP = "servers"
"""Consumer group of the runs that wait."""

_BEGIN = """
local id, agent, session, owner, created, job, most = unpack(ARGV)
local P, run = 'nbagent:', 'nbagent:run:' .. id
if redis.call('EXISTS', run) == 1 then return '' end
if session ~= '' then
  for _, other in ipairs(redis.call('SMEMBERS', P .. 'open:' .. session)) do
    local its = redis.call('HGET', P .. 'run:' .. other, 'owner')
    if not its then redis.call('SREM', P .. 'open:' .. session, other)
    elseif its ~= owner or owner == '' then return other end
  end
end
if job ~= '' then
  if redis.call('XLEN', P .. 'work:' .. agent) >= tonumber(most) then return 'full' end
  redis.call('XADD', P .. 'work:' .. agent, '*', 'run', id, 'job', job)
end
local place = ''
if session ~= '' then
  redis.call('PERSIST', P .. 'session:' .. session)
  place = redis.call('XADD', P .. 'session:' .. session, '*', 'run', id)
  redis.call('SADD', P .. 'open:' .. session, id)
end
redis.call('HSET', run, 'agent', agent, 'session', session, 'owner', owner, 'created', created, 'ended', '0', 'last', '0',
  'place', place)
if owner ~= '' then
  redis.call('SADD', P .. 'owned:' .. owner, id)
  redis.call('SADD', P .. 'owners', owner)
end
return ''
"""
"""Adds a run. Returns the id of another process's run in the session, or 'full'; else ''. Asked again, it adds nothing."""

_APPEND = """
local id, ended, keep = ARGV[1], ARGV[2], tonumber(ARGV[3])
local P, run, events = 'nbagent:', 'nbagent:run:' .. id, 'nbagent:events:' .. id
local its = redis.call('HMGET', run, 'owner', 'session', 'ended', 'last')
if not its[1] then return -1 end
if its[3] == '1' then
  local last = redis.call('XRANGE', events, ARGV[#ARGV - 1] .. '-0', ARGV[#ARGV - 1] .. '-0')[1]
  return last and last[2][2] == ARGV[#ARGV] and 1 or 0
end
local stored = tonumber(its[4])
for n = 4, #ARGV, 2 do
  if tonumber(ARGV[n]) > stored then redis.call('XADD', events, ARGV[n] .. '-0', 'data', ARGV[n + 1]) end
end
redis.call('HSET', run, 'last', math.max(stored, tonumber(ARGV[#ARGV - 1])), 'ended', ended)
if ended == '1' then
  redis.call('SREM', P .. 'owned:' .. its[1], id)
  if its[2] ~= '' then redis.call('SREM', P .. 'open:' .. its[2], id) end
  if keep > 0 then
    redis.call('EXPIRE', run, keep)
    redis.call('EXPIRE', events, keep)
    if its[2] ~= '' then redis.call('EXPIRE', P .. 'session:' .. its[2], keep) end
  end
end
return 1
"""
"""Adds events, and leaves out those that are stored. Returns -1 if there is no such run, 0 if it has another end."""

_TAKE = """
local agent, entry, id, owner = unpack(ARGV)
local P, run = 'nbagent:', 'nbagent:run:' .. id
local its = redis.call('HMGET', run, 'owner', 'ended')
redis.call('XACK', P .. 'work:' .. agent, 'servers', entry)
redis.call('XDEL', P .. 'work:' .. agent, entry)
if its[1] == owner then return 1 end
if its[1] ~= '' or its[2] == '1' then return 0 end
redis.call('HSET', run, 'owner', owner)
redis.call('SADD', P .. 'owned:' .. owner, id)
redis.call('SADD', P .. 'owners', owner)
return 1
"""
"""Makes a process the owner of a run that waits. Returns 0 if it has one, or has ended."""


class RedisEvents:
    """A store in Redis.

    Args:
        url: of the server: `redis://`, `rediss://` (TLS) or `unix://`, as redis-py's `from_url` takes it, with two more
            parameters: `keep_s`, the seconds for which an ended run is kept (by default for good), and `heartbeat_expires_ms`
            in place of `HEARTBEAT_EXPIRES_MS`, the same in all processes.

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
        credentials.register(urlsplit(url).password)
        self._has_beaten = False
        self._last_command = "0-0"
        self._begin = self._redis.register_script(_BEGIN)
        self._append = self._redis.register_script(_APPEND)
        self._take = self._redis.register_script(_TAKE)

    async def close(self) -> None:
        """Leave Redis: this process is no longer alive for the others."""
        with contextlib.suppress(StoreUnreachable):
            await self._leave()
        await self._redis.aclose()

    async def _leave(self) -> None:
        async with self._reaching():
            await self._redis.delete(f"nbagent:alive:{self.owner}")

    # --- runs -------------------------------------------------------------------------------------------------------------

    async def begin(self, run: StoredRun) -> StoredRun | None:
        """Add a run; see `EventStore.begin`."""
        if not self._has_beaten:
            await self._beat()  # a run without a living owner would be marked at once
        return await self._added(run, b"")

    async def _added(self, run: StoredRun, job: bytes) -> StoredRun | None:
        args = (run.id, run.agent, run.session or "", run.owner, run.created, job, MAX_WAITING)
        while True:
            async with self._reaching():
                said = (await self._begin(args=args)).decode()
            if said == "full":
                raise Problem(503, f"{MAX_WAITING:,} runs of {run.agent} wait already")
            if not said:
                return None
            if (other := await self.find(said)) is not None:
                return other

    async def append(self, run_id: str, events: Sequence[tuple[int, bytes]], *, ended: bool) -> bool:
        """Add events of a run; see `EventStore.append`."""
        args: list[str | int | bytes] = [run_id, int(ended), self._keep_s]
        for event in events:
            args += event
        async with self._reaching():
            said = await self._append(args=args)
        if said < 0:
            raise RunMissing(run_id)
        return bool(said)

    async def read(self, run_id: str, after: int, wait_s: float = 0.0) -> Rows:
        """Return the events of a run after a number, at most `READ_EVENTS` of them; see `EventStore.read`."""
        entries = await self._read(f"nbagent:events:{run_id}", f"{after}-0", wait_s, READ_EVENTS)
        return [(int(id.partition("-")[0]), fields[b"data"]) for id, fields in entries]

    async def find(self, run_id: str) -> StoredRun | None:
        """Return a run; None if there is none of that id."""
        async with self._reaching():
            found: dict[bytes, bytes] = await self._redis.hgetall(f"nbagent:run:{run_id}")
        its = {name.decode(): value.decode() for name, value in found.items()}
        if not its:
            return None
        return StoredRun(
            id=run_id,
            agent=its["agent"],
            session=its["session"] or None,
            owner=its["owner"],
            created=float(its["created"]),
            ended=its["ended"] == "1",
        )

    async def newest(self, session: str) -> StoredRun | None:
        """Return the run of a session that began last; None if there is none."""
        async with self._reaching():
            entries = await self._redis.xrevrange(f"nbagent:session:{session}", count=1)
        return await self.find(entries[0][1][b"run"].decode()) if entries else None

    async def next_in(self, session: str, after: str | None, wait_s: float) -> StoredRun | None:
        """Return the run of a session that began next after one; see `EventStore.next_in`."""
        place = b"0-0"
        if after is not None:
            async with self._reaching():
                place = await self._redis.hget(f"nbagent:run:{after}", "place") or b"$"
        for _, fields in await self._read(f"nbagent:session:{session}", place.decode(), wait_s, 1):
            return await self.find(fields[b"run"].decode())
        return None

    # --- processes --------------------------------------------------------------------------------------------------------

    async def is_alive(self, owner: str) -> bool:
        """Return True if that process gave a sign of life lately, or could not, because Redis has just started."""
        if owner == WAITING:
            return True
        async with self._reaching():
            if await self._redis.exists(f"nbagent:alive:{owner}"):
                return True
            info = await self._redis.info("server")
        return bool(int(info["uptime_in_seconds"]) * 1000 < self._expires_ms)

    async def abandoned(self) -> list[StoredRun]:
        """Return runs that have not ended, although their process has."""
        found: list[StoredRun] = []
        async with self._reaching():
            owners = {owner.decode() for owner in await self._redis.smembers("nbagent:owners")}
        for owner in [each for each in owners if not await self.is_alive(each)]:
            async with self._reaching():
                ids = await self._redis.smembers(f"nbagent:owned:{owner}")
                if not ids:
                    await self._redis.srem("nbagent:owners", owner)
            runs = [await self.find(id.decode()) for id in ids]
            found += [run for run in runs if run is not None and not run.ended]
        return found

    async def ask(self, owner: str, command: bytes, wait_s: float) -> bytes | None:
        """Give a process a command, and return its reply; see `EventStore.ask`."""
        id, key = secrets.token_hex(16), f"nbagent:commands:{owner}"
        async with self._reaching():
            await self._redis.xadd(key, {"id": id, "command": command}, maxlen=MAX_WAITING)
            await self._redis.expire(key, COMMANDS_EXPIRE_S)
        # It may be there twice, if the connection broke at that moment; the first reply is to the first one.
        for _, fields in await self._read(f"nbagent:reply:{id}", "0-0", wait_s, 1):
            return bytes(fields[b"reply"])
        return None

    async def serve(self, take: TakeCommand) -> None:
        """Be alive for other processes, and carry out the commands that they give to this one, until cancelled."""
        beating = asyncio.create_task(self._keep_beating())
        try:
            while True:
                entries = await self._read(f"nbagent:commands:{self.owner}", self._last_command, MAX_BLOCK_S, 1)
                for id, fields in entries:
                    self._last_command = id
                    await self._reply(fields[b"id"].decode(), await take(fields[b"command"]))
        finally:
            beating.cancel()
            await asyncio.wait([beating])

    async def _reply(self, command: str, said: bytes) -> None:
        async with self._reaching():
            await self._redis.xadd(f"nbagent:reply:{command}", {"reply": said})
            await self._redis.expire(f"nbagent:reply:{command}", REPLY_EXPIRES_S)

    async def _keep_beating(self) -> None:
        while True:
            with contextlib.suppress(StoreUnreachable):
                await self._beat()
            await asyncio.sleep(self._expires_ms / 3000)

    async def _beat(self) -> None:
        async with self._reaching():
            await self._redis.set(f"nbagent:alive:{self.owner}", 1, px=self._expires_ms)
        self._has_beaten = True

    # --- runs that wait ---------------------------------------------------------------------------------------------------

    async def put_work(self, run: StoredRun, job: bytes) -> StoredRun | None:
        """Add a run that waits for a process; see `WorkQueue.put_work`."""
        return await self._added(run, job)

    async def take_work(self, agents: Sequence[str], wait_s: float) -> list[tuple[StoredRun, bytes]]:
        """Return runs for this process; see `WorkQueue.take_work`."""
        streams = [f"nbagent:work:{agent}" for agent in agents]
        wait_s = min(wait_s, MAX_BLOCK_S)
        await self._beat()
        found: list[tuple[str, list[Any]]] = []
        async with self._reaching(wait_s):
            for stream in streams:
                with contextlib.suppress(exceptions.ResponseError):  # the group is there
                    await self._redis.xgroup_create(stream, GROUP, "0", mkstream=True)
                # Given to a process that died before it became the owner.
                claimed = await self._redis.xautoclaim(stream, GROUP, self.owner, self._expires_ms, count=1)
                found.append((stream, claimed[1]))
            if not any(entries for _, entries in found):
                block = max(1, int(wait_s * 1000))
                said = await self._redis.xreadgroup(GROUP, self.owner, dict.fromkeys(streams, ">"), count=1, block=block)
                found = [(stream.decode(), entries) for stream, entries in said or ()]
        taken = [
            await self._taken(stream.removeprefix("nbagent:work:"), entry.decode(), fields)
            for stream, entries in found
            for entry, fields in entries
            if fields
        ]
        return [each for each in taken if each is not None]

    async def _taken(self, agent: str, entry: str, fields: dict[bytes, bytes]) -> tuple[StoredRun, bytes] | None:
        """Become the owner of a run. None if another process is."""
        id = fields[b"run"].decode()
        while True:
            # Insists: if Redis has done it and could not say so, nobody else would begin the run.
            with contextlib.suppress(StoreUnreachable):
                async with self._reaching():
                    if not await self._take(args=[agent, entry, id, self.owner]):
                        return None
                run = await self.find(id)
                return None if run is None else (run, fields[b"job"])
            await asyncio.sleep(TIMEOUT_S / 10)

    # --- the connection ---------------------------------------------------------------------------------------------------

    async def _read(self, key: str, after: str, wait_s: float, count: int) -> list[tuple[str, dict[bytes, bytes]]]:
        """Return the entries of a stream behind one, by its id; wait some seconds for the first."""
        wait_s = min(wait_s, MAX_BLOCK_S)
        block = max(1, int(wait_s * 1000)) if wait_s else None
        async with self._reaching(wait_s):
            said = await self._redis.xread({key: after}, count=count, block=block)
        return [(id.decode(), fields) for _, entries in said or () for id, fields in entries]

    @contextlib.asynccontextmanager
    async def _reaching(self, wait_s: float = 0.0) -> AsyncIterator[None]:
        """Raise Redis's errors as `StoreUnreachable`: one that is full, loading or read-only may be well again soon.

        Args:
            wait_s: seconds that the commands in it block.
        """
        try:
            async with asyncio.timeout(TIMEOUT_S + wait_s):
                yield
        except (exceptions.RedisError, TimeoutError) as error:
            raise StoreUnreachable(f"the store {self._name} does not answer: {str(error) or 'no reply in time'}") from error


def _client(url: str) -> Any:
    return Redis.from_url(
        url,
        protocol=2,  # replies of one form, whatever the versions of Redis and redis-py
        socket_timeout=None,  # with one, redis-py sends in `asyncio.wait_for`, which on Python 3.11 may swallow a cancellation
        socket_connect_timeout=TIMEOUT_S,
        max_connections=10_000,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), RETRIES),
        retry_on_error=[exceptions.ConnectionError, exceptions.TimeoutError, exceptions.BusyLoadingError],
    )
