"""`RedisConnection`: the connection of a store to its Redis, and what goes wrong there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from nbagent.agent.sessions.redis_store import own_parameters, public_name
from nbagent.errors import MissingExtra, NbagentError
from nbagent.gate import secrets as credentials
from nbagent.server.stores.event_store import StoreBroken, StoreUnreachable

try:
    from redis import exceptions
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import ExponentialWithJitterBackoff
except ImportError:
    raise MissingExtra("A store in Redis", "redis") from None

HEARTBEAT_EXPIRES_MS = 10_000
"""Milliseconds after its last sign of life until a process counts as dead; it gives three in that
time.
"""

MAX_BLOCK_S = 30.0
"""Seconds that one blocking read lasts at most."""

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


class RedisConnection:
    """A connection to Redis.

    Args:
        url: of the server; see `RedisEvents`.

    Raises:
        NbagentError: the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        url, parameters = own_parameters(url)
        self._name = public_name(url)
        try:
            self._keep_s = int(parameters.get("keep_s", 0))
            self._expires_ms = int(parameters.get("heartbeat_expires_ms", HEARTBEAT_EXPIRES_MS))
            self._redis = _client(url)
        except ValueError as error:
            raise NbagentError(f"{self._name} is no address of a Redis: {error}") from error
        credentials.register(urlsplit(url).password)

    async def _read(
        self, key: str, after: str, wait_s: float, count: int
    ) -> list[tuple[str, dict[bytes, bytes]]]:
        """Return the entries of a stream behind one, by its id; wait some seconds for the first."""
        wait_s = min(wait_s, MAX_BLOCK_S)
        block = max(1, int(wait_s * 1000)) if wait_s else None
        async with self._reaching(wait_s):
            reply = await self._redis.xread({key: after}, count=count, block=block)
        return [(id.decode(), fields) for _, entries in reply or () for id, fields in entries]

    async def _ensure_group(self, stream: str, group: str) -> None:
        """Make a consumer group that reads a stream from its beginning, if it is not there."""
        with contextlib.suppress(exceptions.ResponseError):  # it is
            await self._redis.xgroup_create(stream, group, "0", mkstream=True)

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
def decoding(what: str) -> Iterator[None]:
    """Raise the errors of content that nbagent has not written as `StoreBroken`."""
    try:
        yield
    except (KeyError, ValueError) as error:
        raise StoreBroken(f"{what} cannot be read in the store: {error!r}") from error


def texts(names: Iterable[bytes]) -> list[str]:
    """Return names as texts, without those that nbagent cannot have written."""
    found: list[str] = []
    for name in names:
        with contextlib.suppress(UnicodeDecodeError):
            found.append(name.decode())
    return found


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
