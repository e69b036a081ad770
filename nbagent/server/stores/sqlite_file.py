"""`SqliteFile`: an SQLite file that threads and other processes use too, and what goes wrong
there.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from nbagent.agent.sessions.sqlite_file import transaction
from nbagent.server.stores.event_store import StoreBroken, StoreUnreachable

BUSY_TIMEOUT_S = 5.0
"""Seconds to wait while another process writes, or other threads of this one use the file, before
it counts as unreachable.
"""

PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
"""Errors that may be over when there is room, or another process is ready
(https://www.sqlite.org/rescode.html).
"""

LASTING = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB})
"""Errors of a file that is damaged, or is another one by now.

`SQLITE_ERROR` is that of a table that is gone.
"""


class SqliteFile:
    """An SQLite file, open.

    Args:
        path: of the file; `":memory:"` is none, and kept in this process.
        schema: statements that make its tables.
    """

    def __init__(self, path: str | Path, schema: str) -> None:
        self._path = str(path)
        # once a write found the file damaged, it takes no more
        self._broken: StoreBroken | None = None
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(schema)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection in a transaction, which other processes wait for."""
        with self._using():
            try:
                with transaction(self._db):
                    yield self._db
            except sqlite3.Error as error:
                if _code(error) in LASTING:
                    self._broken = self._fault(error)
                raise

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        """Keep the connection to one thread; SQLite's errors become those of a store.

        Raises:
            StoreUnreachable: it is full, locked or cannot be read at the moment.
            StoreBroken: the file is damaged.
        """
        if not self._lock.acquire(timeout=BUSY_TIMEOUT_S):
            raise StoreUnreachable(f"the store {self._path} is busy")
        try:
            if self._broken is not None:
                raise StoreBroken(str(self._broken))
            yield
        except sqlite3.Error as error:
            if _code(error) in LASTING:
                raise self._fault(error) from error
            if _code(error) not in PASSING:
                raise
            raise StoreUnreachable(
                f"the store {self._path} takes nothing at the moment: {error}"
            ) from error
        finally:
            self._lock.release()

    def _fault(self, error: sqlite3.Error) -> StoreBroken:
        advice = "restore it from a copy, or give another file, and start the server again"
        return StoreBroken(f"the store {self._path} is broken ({error}): {advice}")


def _code(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary code of an error; None of one that the module `sqlite3` raised
    itself.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
