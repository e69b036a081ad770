"""`RowStore`: the finished rows of maps in an SQLite file, each written at once when it ends."""

import sqlite3
import threading
import time
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
_CALLS = """
CREATE TABLE IF NOT EXISTS map_call (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    tool TEXT NOT NULL,
    arguments BLOB NOT NULL,
    result BLOB
)
"""
_CALLS_BY_KEY = "CREATE INDEX IF NOT EXISTS map_call_key ON map_call (key)"
# Nothing is added where another process has added a call of the row meanwhile.
_BEGIN_CALL = """
INSERT INTO map_call (key, tool, arguments)
SELECT ?, ?, ? WHERE (SELECT COUNT(*) FROM map_call WHERE key = ?) = ?
"""
_WRITE = """
INSERT OR REPLACE INTO map_row (key, ended, final, outcome, events) VALUES (?, ?, ?, ?, ?)
"""


# One statement for all keys: ten thousand of them took 0.17 s of the time to the first row.
_OUTCOMES = """
SELECT key, outcome FROM map_row WHERE final AND key IN (SELECT value FROM json_each(?))
"""


class StoreFault(NbagentError):
    """The file of a map cannot be read or written."""


class KeptCall(NamedTuple):
    """A call of a tool that must not be called twice.

    Attributes:
        number: of the call in the store.
        tool: its name.
        arguments: that it was called with.
        result: event of its result as JSON; None if the process died before there was one.
    """

    number: int
    tool: str
    arguments: dict[str, Any]
    result: bytes | None


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
            for statement in (_SCHEMA, _CALLS, _CALLS_BY_KEY):
                self._db.execute(statement)
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Return how the rows ended that are final, by their keys; rows that are not there are left
        out.

        Raises:
            StoreFault: the file cannot be read.
        """
        wanted = msgspec.json.encode(list(keys)).decode()
        try:
            with self._lock:
                rows = self._db.execute(_OUTCOMES, (wanted,)).fetchall()
            return {key: msgspec.json.decode(outcome, type=Outcome) for key, outcome in rows}
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise self._fault(error) from error

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

    def calls(self, key: str) -> list[KeptCall]:
        """Return the once-only calls of a row, in their order.

        Raises:
            StoreFault: the file cannot be read.
        """
        query = "SELECT number, tool, arguments, result FROM map_call WHERE key = ? ORDER BY number"
        try:
            with self._lock:
                found = self._db.execute(query, (key,)).fetchall()
        except sqlite3.Error as error:
            raise self._fault(error) from error
        return [
            KeptCall(number, tool, msgspec.json.decode(arguments), result)
            for number, tool, arguments, result in found
        ]

    def begin_call(
        self, key: str, tool: str, arguments: Mapping[str, Any], known: int
    ) -> int | None:
        """Note that a once-only call of a row begins. It outlives a power failure, too.

        Args:
            key: of the row.
            tool: name of the tool.
            arguments: of the call.
            known: number of the row's calls that the caller knows.

        Returns:
            The number of the call; None if another process has begun one of the row.

        Raises:
            StoreFault: the file cannot be written.
        """
        values = key, tool, msgspec.json.encode(arguments, enc_hook=str), key, known
        try:
            with self._lock:
                self._db.execute("PRAGMA synchronous=FULL")
                added = self._db.execute(_BEGIN_CALL, values)
                self._db.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.Error as error:
            raise self._fault(error) from error
        return added.lastrowid if added.rowcount else None

    def end_call(self, number: int, result: bytes) -> None:
        """Keep the result of a once-only call.

        Raises:
            StoreFault: the file cannot be written.
        """
        try:
            with self._lock:
                query = "UPDATE map_call SET result = ? WHERE number = ?"
                self._db.execute(query, (result, number))
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
