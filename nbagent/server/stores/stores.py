"""The stores of a server, by their address."""

from pathlib import Path

from nbagent.agent.sessions.session import is_redis, store_of
from nbagent.agent.sessions.sqlite_store import sqlite_store
from nbagent.agent.sessions.store import Store
from nbagent.server.stores.event_store import EventStore
from nbagent.server.stores.sqlite_events import SqliteEvents


def stores_at(store: str | Path) -> tuple[EventStore, Store | None]:
    """Return the store of the runs, and that of the sessions beside it; None if these stay in
    memory.

    Args:
        store: path of an SQLite file, `":memory:"`, or the URL of a Redis; see `RedisEvents`.

    Raises:
        NbagentError: it cannot be used.
    """
    if is_redis(store):
        from nbagent.server.stores.redis_events import RedisEvents  # an extra

        return RedisEvents(str(store)), store_of(str(store))
    if str(store) == ":memory:":
        return SqliteEvents(store), None
    # first: it makes the file as one of its own, with its owner's permissions only
    sessions = sqlite_store(store)
    return SqliteEvents(sessions.path), sessions
