"""A store of conversations in Redis, which processes on several machines may use at once.

All keys begin with `nbagent:`.

| key | type | content |
|---|---|---|
| `sessions` | hash | ids by name |
| `chat:ID` | hash | a session's row in a list of sessions |
| `records:ID` | list | its records, as JSON |
| `turns:ID` | set | ids of its turns |
| `passages:ID` | list | what can be searched in it, as JSON; without an id, what belongs to no
session | | `once:TOKEN` | string | that an addition was made; expires |
"""

import contextlib
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from nbagent.agent.sessions import store_rules
from nbagent.agent.sessions.store import Entry, Passage, Record, SessionInfo
from nbagent.errors import MissingExtra, NbagentError, SessionError
from nbagent.events.json_text import decode_json
from nbagent.gate import secrets

try:
    from redis import Redis, exceptions
    from redis.backoff import ExponentialWithJitterBackoff
    from redis.retry import Retry
except ImportError:
    raise MissingExtra("A store in Redis", "redis") from None

PARAMETERS = frozenset({"keep_s", "heartbeat_expires_ms"})
"""Parameters of a URL that are nbagent's own; see
`nbagent.server.stores.redis_events.RedisEvents`.
"""

TIMEOUT_S = 5.0
"""Seconds to wait for a connection, and for a reply."""

RETRIES = 6
"""Attempts after the first one, within some seconds: the time in which a Redis starts again."""

_OPEN = """
local name, id, now = unpack(ARGV)
local known = redis.call('HGET', 'nbagent:sessions', name)
if known then return known end
redis.call('HSET', 'nbagent:sessions', name, id)
redis.call('HSET', 'nbagent:chat:' .. id,
  'name', name, 'created', now, 'updated', now, 'begins', '')
return id
"""

_APPEND = """
local id, once, now, begins, count = unpack(ARGV, 1, 5)
local chat = 'nbagent:chat:' .. id
if redis.call('EXISTS', chat) == 0 then return 0 end
if not redis.call('SET', 'nbagent:once:' .. once, 1, 'NX', 'EX', 60) then return 1 end
for n = 6, 5 + 2 * tonumber(count), 2 do
  redis.call('RPUSH', 'nbagent:records:' .. id, ARGV[n])
  redis.call('SADD', 'nbagent:turns:' .. id, ARGV[n + 1])
end
for n = 6 + 2 * tonumber(count), #ARGV do
  redis.call('RPUSH', 'nbagent:passages:' .. id, ARGV[n])
end
redis.call('HSET', chat, 'updated', now)
if redis.call('HGET', chat, 'begins') == '' then redis.call('HSET', chat, 'begins', begins) end
return 1
"""
"""Adds records, each with its turn, and then passages; nothing when it is sent again, after a lost
reply. Returns 0 if there is no such session.
"""

_RENAME = """
local id, name = unpack(ARGV)
local chat = 'nbagent:chat:' .. id
if redis.call('EXISTS', chat) == 0 then return 0 end
local other = redis.call('HGET', 'nbagent:sessions', name)
if other and other ~= id then return -1 end
redis.call('HDEL', 'nbagent:sessions', redis.call('HGET', chat, 'name'))
redis.call('HSET', 'nbagent:sessions', name, id)
redis.call('HSET', chat, 'name', name)
return 1
"""
"""Names a session. Returns 0 if there is none, -1 if another has the name."""

_DELETE = """
local id = ARGV[1]
local name = redis.call('HGET', 'nbagent:chat:' .. id, 'name')
if not name then return 0 end
redis.call('HDEL', 'nbagent:sessions', name)
redis.call('DEL', 'nbagent:chat:' .. id, 'nbagent:records:' .. id,
  'nbagent:turns:' .. id, 'nbagent:passages:' .. id)
return 1
"""


class _StoredPassage(msgspec.Struct, array_like=True):
    text: str
    at: float


class RedisStore:
    """A store in Redis (https://redis.io). A search reads all passages.

    Args:
        url: of the server: `redis://`, `rediss://` (TLS) or `unix://`, as redis-py's `from_url`
            takes it.

    Raises:
        SessionError: the server does not answer.
        NbagentError: the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        self._name = public_name(url)
        secrets.register(urlsplit(url).password)
        try:
            self._redis: Any = Redis.from_url(
                own_parameters(url)[0],
                protocol=2,
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                retry=Retry(ExponentialWithJitterBackoff(cap=1.0, base=0.1), RETRIES),
                retry_on_error=[
                    exceptions.ConnectionError,
                    exceptions.TimeoutError,
                    exceptions.BusyLoadingError,
                ],
            )
        except ValueError as error:
            raise NbagentError(f"{self._name} is no address of a Redis: {error}") from error
        self._open = self._redis.register_script(_OPEN)
        self._append = self._redis.register_script(_APPEND)
        self._rename = self._redis.register_script(_RENAME)
        self._delete = self._redis.register_script(_DELETE)
        with self._reaching():
            self._redis.ping()

    def __repr__(self) -> str:
        return f"RedisStore({self._name!r})"

    def open(self, name: str | None) -> SessionInfo:
        """Return the session of that name, made if there is none."""
        while True:
            with self._reaching():
                if name is None:
                    wanted = store_rules.free_name(
                        each.decode() for each in self._redis.hkeys("nbagent:sessions")
                    )
                else:
                    wanted = name
                made = uuid.uuid4().hex
                id = self._open(args=[wanted, made, time.time()]).decode()
            if name is not None or id == made:  # else another process has taken the name
                return self._infos([id])[0]

    def find(self, name: str) -> SessionInfo | None:
        """Return the session of that name; None if there is none."""
        with self._reaching():
            id = self._redis.hget("nbagent:sessions", name)
        if id is None:
            return None
        return next(iter(self._infos([id.decode()])), None)

    def count(self) -> int:
        """Return the number of sessions."""
        with self._reaching():
            return int(self._redis.hlen("nbagent:sessions"))

    def sessions(self) -> list[SessionInfo]:
        """Return all sessions, the one that was changed last first."""
        with self._reaching():
            ids = [id.decode() for id in self._redis.hvals("nbagent:sessions")]
        return sorted(self._infos(ids), key=lambda info: info.updated, reverse=True)

    def _infos(self, ids: Sequence[str]) -> list[SessionInfo]:
        with self._reaching(), self._redis.pipeline(transaction=False) as pipe:
            for id in ids:
                pipe.hgetall(f"nbagent:chat:{id}").scard(f"nbagent:turns:{id}")
            replies = pipe.execute()
        infos = []
        for id, its, turns in zip(ids, replies[::2], replies[1::2], strict=True):
            if its:  # else it was deleted meanwhile
                texts = {name.decode(): value.decode() for name, value in its.items()}
                created, updated = float(texts["created"]), float(texts["updated"])
                infos.append(
                    SessionInfo(
                        id=id,
                        name=texts["name"],
                        created=created,
                        updated=updated,
                        turns=turns,
                        begins=texts["begins"],
                    )
                )
        return infos

    def read(self, id: str) -> list[Record]:
        """Return the records of a session."""
        with self._reaching(), self._redis.pipeline() as pipe:
            is_there, rows = (
                pipe.exists(f"nbagent:chat:{id}").lrange(f"nbagent:records:{id}", 0, -1).execute()
            )
        if not is_there:
            raise store_rules.no_session()
        try:
            pairs = [decode_json(row, type=tuple[str, Entry]) for row in rows]
        except msgspec.MsgspecError as error:
            raise SessionError(f"{self._name}: a record cannot be read: {error}") from error
        return [Record(turn, entry) for turn, entry in pairs]

    def append(self, id: str, records: Sequence[Record]) -> None:
        """Add records to a session."""
        rows: list[bytes | str] = []
        for record in records:
            rows += msgspec.json.encode((record.turn, record.entry)), record.turn
        now = time.time()
        passages = [
            msgspec.json.encode(_StoredPassage(text, now))
            for text in store_rules.passages_of(records)
        ]
        with self._reaching():
            if not self._append(
                args=[
                    id,
                    uuid.uuid4().hex,
                    now,
                    store_rules.beginning_of(records),
                    len(records),
                    *rows,
                    *passages,
                ]
            ):
                raise store_rules.no_session()

    def rename(self, id: str, name: str) -> None:
        """Name a session."""
        with self._reaching():
            renamed = self._rename(args=[id, name])
        if renamed == 0:
            raise store_rules.no_session()
        if renamed < 0:
            raise store_rules.name_taken(name)

    def delete(self, id: str) -> None:
        """Delete a session."""
        with self._reaching():
            if not self._delete(args=[id]):
                raise store_rules.no_session()

    def remember(self, text: str, id: str | None) -> None:
        """Keep a fact that can be searched."""
        passage = msgspec.json.encode(_StoredPassage(text, time.time()))
        with self._reaching():
            if id is None:
                self._redis.rpush("nbagent:passages:", passage)
            elif not self._append(args=[id, uuid.uuid4().hex, time.time(), "", 0, passage]):
                raise store_rules.no_session()

    def search(self, query: str, id: str | None, limit: int) -> list[Passage]:
        """Return the passages that have words of the query, best first."""
        with self._reaching():
            known = self._redis.hgetall("nbagent:sessions").items()
            names = {
                own.decode(): name.decode()
                for name, own in known
                if id is None or own.decode() == id
            }
            keys: dict[str, str | None] = dict(names) if id is not None else {**names, "": None}
            with self._redis.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.lrange(f"nbagent:passages:{key}", 0, -1)
                found = zip(keys.values(), pipe.execute(), strict=True)
        each = (
            (session, decode_json(row, type=_StoredPassage))
            for session, rows in found
            for row in rows
        )
        passages = [
            Passage(text=stored.text, session=session, at=stored.at) for session, stored in each
        ]
        return store_rules.best_matches(query, passages, limit)

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        """Raise Redis's errors as `SessionError`."""
        try:
            yield
        except exceptions.RedisError as error:
            raise SessionError(f"the store {self._name} does not answer: {error}") from error


def own_parameters(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL of a Redis without nbagent's own parameters, and these."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    rest = urlencode({name: value for name, value in query.items() if name not in PARAMETERS})
    return urlunsplit(parts._replace(query=rest)), {
        name: query[name] for name in PARAMETERS & query.keys()
    }


def public_name(url: str) -> str:
    """Return the URL of a Redis without user, password and parameters."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
