"""`RedisProcesses`: the server processes that share a Redis: which are alive, and their commands to
each other.
"""

import asyncio
import contextlib
import math
import os
import secrets
import socket
from time import monotonic

from nbagent.server.stores.event_store import WAITING, StoreUnreachable, TakeCommand
from nbagent.server.stores.redis_connection import MAX_BLOCK_S, RedisConnection

REPLY_EXPIRES_S = 60
"""Seconds for which a reply is kept."""

COMMANDS_EXPIRE_S = 3_600
"""Seconds after the last command for which a process's commands are kept."""

MAX_COMMANDS = 1_000
"""Commands to a process that wait at most."""


class RedisProcesses(RedisConnection):
    """Membership of this process among the others.

    Args:
        url: of the server; see `RedisEvents`.

    Attributes:
        owner: id of this process.

    Raises:
        NbagentError: the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        # A process that was silent for no longer than this left no gap in which another's sign of
        # life could expire.
        self._silence_s = self._expires_ms * 2 / 3000
        self._has_beaten = False
        self._last_beat = math.inf  # of those that `serve` repeats; in monotonic seconds
        self._unsure_until = -math.inf
        self._last_command = "0-0"

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

    async def ask(self, owner: str, command: bytes, wait_s: float) -> bytes | None:
        """Give a process a command, and return its reply; see `EventStore.ask`."""
        id, key = secrets.token_hex(16), f"nbagent:commands:{owner}"
        async with self._reaching():
            await self._redis.xadd(key, {"id": id, "command": command}, maxlen=MAX_COMMANDS)
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
