"""`SqliteEvents`: an SQLite file of served runs, which several processes may use at once."""

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from nbagent.server.event_store import StoredRun

BUSY_TIMEOUT_S = 30.0
"""Seconds to wait while another process writes."""

READ_EVENTS = 5_000
"""Events that one read returns at most."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    session TEXT,
    owner TEXT NOT NULL,
    created REAL NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS run_session ON run (session, created);
CREATE TABLE IF NOT EXISTS event (
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
"""


class SqliteEvents:
    """A store in an SQLite file.

    Args:
        path: of the file; `":memory:"` keeps the runs in this process only.
    """

    def __init__(self, path: str | Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def begin(self, run: StoredRun) -> None:
        """Add a run."""
        row = (run.id, run.agent, run.session, run.owner, run.created)
        with self._lock:
            self._db.execute("INSERT INTO run (id, agent, session, owner, created) VALUES (?, ?, ?, ?, ?)", row)

    def append(self, run_id: str, events: Sequence[tuple[int, bytes]], *, ended: bool) -> None:
        """Add events of a run; see `EventStore.append`."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                rows = [(run_id, seq, data) for seq, data in events]
                self._db.executemany("INSERT INTO event (run, seq, data) VALUES (?, ?, ?)", rows)
                if ended:
                    self._db.execute("UPDATE run SET ended = 1 WHERE id = ?", (run_id,))
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def read(self, run_id: str, after: int) -> list[tuple[int, bytes]]:
        """Return the events of a run after a number, at most `READ_EVENTS` of them."""
        query = "SELECT seq, data FROM event WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
        with self._lock:
            return self._db.execute(query, (run_id, after, READ_EVENTS)).fetchall()

    def find(self, run_id: str) -> StoredRun | None:
        """Return a run; None if there is none of that id."""
        return self._one("id = ?", run_id)

    def newest(self, session: str) -> StoredRun | None:
        """Return the run of a session that began last; None if there is none."""
        return self._one("session = ? ORDER BY created DESC LIMIT 1", session)

    def running(self) -> list[StoredRun]:
        """Return the runs that have not ended."""
        return self._runs("ended = 0 ORDER BY created")

    def _one(self, condition: str, *values: str) -> StoredRun | None:
        return next(iter(self._runs(condition, *values)), None)

    def _runs(self, condition: str, *values: str) -> list[StoredRun]:
        query = f"SELECT id, agent, session, owner, created, ended FROM run WHERE {condition}"  # noqa: S608 - of this file
        with self._lock:
            rows = self._db.execute(query, values).fetchall()
        return [
            StoredRun(id=id, agent=agent, session=session, owner=owner, created=created, ended=bool(ended))
            for id, agent, session, owner, created, ended in rows
        ]
