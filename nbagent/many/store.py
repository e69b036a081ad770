"""`RowStore`: the finished rows of maps in an SQLite file, each written at once when it ends."""

import sqlite3
import threading
import time
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import msgspec

from nbagent import events as e
from nbagent.errors import NbagentError
from nbagent.events.lines import line
from nbagent.many.outcome import Outcome
from nbagent.runtime.loop import OwnedStream

BUSY_TIMEOUT_S = 10.0
"""Seconds that a write waits for another process that writes to the file."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS map_row (
    key TEXT PRIMARY KEY,
    ended REAL NOT NULL,
    final INTEGER NOT NULL,
    outcome BLOB NOT NULL,
    events BLOB NOT NULL
) WITHOUT ROWID
"""
_WRITE = """
INSERT OR REPLACE INTO map_row (key, ended, final, outcome, events) VALUES (?, ?, ?, ?, ?)
"""


class StoreFault(NbagentError):
    """The file of a map cannot be read or written."""


class RowStore:
    """Finished rows by their keys. Safe on any thread; several processes may share the file.

    A row is on disk when `put` returns, as far as the operating system is concerned: it outlives
    the process (SQLite's WAL with `synchronous=NORMAL`).

    Args:
        path: of the file; made if there is none. `":memory:"` keeps the rows in this process.

    Raises:
        StoreFault: the file cannot be opened, or is no SQLite database.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(
                self.path, timeout=BUSY_TIMEOUT_S, check_same_thread=False, isolation_level=None
            )
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Return how the rows ended that are final, by their keys; rows that are not there are left
        out.

        Raises:
            StoreFault: the file cannot be read.
        """
        found: dict[str, Outcome] = {}
        try:
            with self._lock:
                for key in keys:
                    row = self._db.execute(
                        "SELECT outcome FROM map_row WHERE key = ? AND final", (key,)
                    ).fetchone()
                    if row is not None:
                        found[key] = msgspec.json.decode(row[0], type=Outcome)
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise self._fault(error) from error
        return found

    def events(self, key: str) -> list[e.Event]:
        """Return the events of a row; none if it is not there.

        Raises:
            StoreFault: the file cannot be read.
        """
        try:
            with self._lock:
                query = "SELECT events FROM map_row WHERE key = ?"
                row = self._db.execute(query, (key,)).fetchone()
            lines = [] if row is None else zlib.decompress(row[0]).splitlines()
            return [e.from_json(line) for line in lines]
        except (sqlite3.Error, zlib.error, msgspec.DecodeError) as error:
            raise self._fault(error) from error

    def put(self, key: str, outcome: Outcome, events: Iterable[e.Event]) -> None:
        """Keep a row that has ended, in place of an earlier one of its key.

        Raises:
            StoreFault: the file cannot be written: the disk is full, or another process holds it.
            TypeError, ValueError: a value of a check is no JSON.
        """
        lines = zlib.compress(b"".join(map(line, events)), level=1)
        values = key, time.time(), outcome.is_final, msgspec.json.encode(outcome), lines
        try:
            with self._lock:
                self._db.execute(_WRITE, values)
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _fault(self, error: Exception) -> StoreFault:
        return StoreFault(f"the store {self.path} cannot be used: {error}")


class StoredEvents(OwnedStream):
    """The events of a row that are kept in a store, as a stream.

    Args:
        events: of the row.
        name: of the row.

    Attributes:
        keeps_times: True: a run that shows these events keeps their times.
    """

    keeps_times = True

    def __init__(self, events: Sequence[e.Event], name: str) -> None:
        self.name = name
        self.started = events[0].ts if events else 0.0
        self._events = events

    async def __aiter__(self) -> AsyncIterator[e.Event]:
        for event in self._events:
            yield event
