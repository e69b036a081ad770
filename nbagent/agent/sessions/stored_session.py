"""`StoredSession`: a session in its store, as its exchanges read and write it."""

from nbagent.agent.sessions.exchange_lock import Key
from nbagent.agent.sessions.session_log import SessionLog
from nbagent.agent.sessions.store import Allowed, Record, Store


class StoredSession:
    """A session in its store.

    Args:
        store: that keeps it.
        id: of the session in the store.

    Attributes:
        allowed: names of the tools that the user allows for good in the session. The run of an
            exchange adds to them.
    """

    def __init__(self, store: Store, id: str) -> None:
        self._store = store
        self._id = id
        self._stored_allowed: frozenset[str] = frozenset()
        self.allowed: set[str] = set()

    @property
    def key(self) -> Key:
        """The session in this process."""
        return id(self._store), self._id

    def read(self) -> SessionLog:
        """Return what the store has of the session.

        Raises:
            SessionError: it was deleted.
        """
        return SessionLog(self._store.read(self._id))

    def append(self, records: list[Record]) -> None:
        """Write records after those before.

        Raises:
            SessionError: it was deleted.
        """
        self._store.append(self._id, records)

    def update_allowed(self, log: SessionLog) -> None:
        """Take over what was allowed in another process."""
        if log.allowed != self._stored_allowed:
            self._stored_allowed = frozenset(log.allowed)
            self.allowed.clear()
            self.allowed.update(log.allowed)

    def changed_allowed(self) -> list[Allowed]:
        """Return the entry that keeps `allowed`, if that has changed since it was written."""
        if self.allowed == self._stored_allowed:
            return []
        self._stored_allowed = frozenset(self.allowed)
        return [Allowed(tools=tuple(sorted(self.allowed)))]
