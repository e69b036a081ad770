"""`SqliteFile`: the SQLite file of a store of conversations, and one connection to it."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from nbagent.errors import SessionError

BUSY_TIMEOUT_S = 30.0
"""Seconds to wait while another process writes."""

OPEN_TIMEOUT_S = 5.0
"""Seconds to wait when the file or a session is opened, on the thread of whoever asks: in a
notebook nothing else runs meanwhile.
"""

APPLICATION_ID = 0x6E626167
"""Marks a file as one of ours: "nbag"
(https://www.sqlite.org/pragma.html#pragma_application_id).
"""

VERSION = 1
"""Version of the schema, in the file's `user_version`."""

_SCHEMA = """
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    begins TEXT NOT NULL DEFAULT ''
);
CREATE TABLE record (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    turn TEXT NOT NULL,
    entry TEXT NOT NULL
);
CREATE INDEX record_session ON record (session, number);
CREATE TABLE passage (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT REFERENCES session (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX passage_session ON passage (session);
"""

_INDEX = """
CREATE VIRTUAL TABLE IF NOT EXISTS passage_index
USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')
"""

_MISSING_FROM_INDEX = """
INSERT INTO passage_index (rowid, text)
SELECT number, text FROM passage WHERE number > (SELECT coalesce(max(rowid), 0) FROM passage_index)
"""


class SqliteFile:
    """A file with the tables of a store, made if there is none; only its owner may read it.

    Args:
        path: of the file. Its folder exists.

    Attributes:
        path: of the file.
        has_index: whether its passages have a full-text index.

    Raises:
        SessionError: the file cannot be opened, or holds something else.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.has_index = False
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # device and number of the open file
        self._process = 0
        with self.reading():
            pass

    def reopen_if_deleted(self) -> None:
        """Have a file that was deleted made again at its next use."""
        with self._lock:
            if self._connection is not None and not self._is_there():
                self._connection.close()
                self._connection = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread at a time; SQLite's errors become `SessionError`."""
        with self._lock:
            try:
                if self._connection is None or self._process != os.getpid():
                    # A connection must not be used after a fork.
                    self._connection = self._connect()
                    self._process = os.getpid()
                yield self._connection
            except sqlite3.Error as error:
                hint = "; another process holds it for writing" if "locked" in str(error) else ""
                raise SessionError(f"{self.path}: {error}{hint}") from error

    @contextlib.contextmanager
    def writing(self, timeout_s: float = BUSY_TIMEOUT_S) -> Iterator[sqlite3.Connection]:
        """Give the connection in a transaction, which other processes wait for.

        Args:
            timeout_s: seconds to wait while another process writes.
        """
        with self.reading() as db:
            if not self._is_there():
                raise SessionError(
                    f"{self.path} was deleted or replaced while it was used, so nothing more can "
                    "be kept. "
                    "session.messages still has what was said; agent.session(…) begins the file "
                    "anew"
                )
            _wait_at_most(db, timeout_s)
            with transaction(db):
                yield db

    def _is_there(self) -> bool:
        """Return True if the path still leads to the open file."""
        try:
            return _file_at(self.path) == self._file
        except OSError:
            return False

    def _connect(self) -> sqlite3.Connection:
        with contextlib.suppress(OSError):
            # That it exists already is no error, and others are SQLite's to tell.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        db = sqlite3.connect(
            self.path, timeout=OPEN_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")  # deleted rows are overwritten
            self._prepare(db)
            # Readers do not wait for a writer. Where the file system cannot do that, they do.
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            self.has_index = _has_index(db)
            self._file = _file_at(self.path)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Make the tables of a new file, or check that an old one is ours."""
        try:
            if _identity(db) == (APPLICATION_ID, VERSION):
                return
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise SessionError(
                f"{self.path} is not an SQLite file ({error}); give store= another path"
            ) from error
        db.execute("BEGIN IMMEDIATE")
        try:
            application, version = _identity(db)  # another process may have made them by now
            if (application, version) == (0, 0) and not db.execute(
                "SELECT 1 FROM sqlite_master"
            ).fetchone():
                for statement in _SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                db.execute(f"PRAGMA user_version = {VERSION}")
            elif application != APPLICATION_ID:
                raise SessionError(
                    f"{self.path} is a database of another application; give store= another path"
                )
            elif version != VERSION:
                raise SessionError(
                    f"{self.path} has version {version} of the format, this nbagent reads "
                    f"{VERSION}; update nbagent"
                )
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def _wait_at_most(db: sqlite3.Connection, seconds: float) -> None:
    db.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")


def _file_at(path: str) -> tuple[int, int]:
    status = Path(path).stat()
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Run the block in a transaction, which is undone if the block or its commit fails.

    Args:
        db: the connection, in autocommit mode.
        kind: `"IMMEDIATE"` to write, which other processes wait for; `"DEFERRED"` to read.
    """
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk ends it: https://www.sqlite.org/lang_transaction.html
            db.execute("ROLLBACK")
        raise


def _identity(db: sqlite3.Connection) -> tuple[int, int]:
    application = db.execute("PRAGMA application_id").fetchone()[0]
    return application, db.execute("PRAGMA user_version").fetchone()[0]


def _has_index(db: sqlite3.Connection) -> bool:
    """Make the full-text index if there is none, and bring it up to date.

    Return False if this SQLite has no FTS5.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(_INDEX)
        db.execute(_MISSING_FROM_INDEX)  # what a process without FTS5 has added
    except sqlite3.OperationalError as error:
        db.execute("ROLLBACK")
        if "fts5" not in str(error):
            raise
        return False
    db.execute("COMMIT")
    return True
