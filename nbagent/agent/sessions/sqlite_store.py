"""A store of conversations in an SQLite file, which several threads and processes may use at
once.
"""

import contextlib
import os
import sqlite3
import threading
import time
import uuid
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from nbagent.agent.sessions import store_rules
from nbagent.agent.sessions.store import Entry, Passage, Record, SessionInfo
from nbagent.errors import SessionError
from nbagent.events.json_text import decode_json

BUSY_TIMEOUT_S = 30.0
"""Seconds to wait while another process writes."""

OPEN_TIMEOUT_S = 5.0
"""The same when the file or a session is opened, on the thread of whoever asks: in a notebook
nothing else runs meanwhile.
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

_INFO = """
SELECT id, name, created, updated, begins,
    (SELECT count(DISTINCT turn) FROM record WHERE record.session = id) AS turns
FROM session
"""

_INDEX = """
CREATE VIRTUAL TABLE IF NOT EXISTS passage_index
USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2')
"""

_MISSING_FROM_INDEX = """
INSERT INTO passage_index (rowid, text)
SELECT number, text FROM passage WHERE number > (SELECT coalesce(max(rowid), 0) FROM passage_index)
"""

_SEARCH = """
SELECT passage.text, session.name, passage.at
FROM passage_index
JOIN passage ON passage.number = passage_index.rowid
LEFT JOIN session ON session.id = passage.session
WHERE passage_index MATCH ?1 AND (?2 IS NULL OR passage.session = ?2)
ORDER BY passage_index.rank, passage.number DESC LIMIT ?3
"""

_PASSAGES = """
SELECT passage.text, session.name, passage.at
FROM passage LEFT JOIN session ON session.id = passage.session
WHERE ?1 IS NULL OR passage.session = ?1
"""

_open_stores: weakref.WeakValueDictionary[str, "SqliteStore"] = weakref.WeakValueDictionary()
_opening = threading.Lock()


def sqlite_store(path: str | os.PathLike[str]) -> "SqliteStore":
    """Return the store of a file: one object for each file, as long as it is used."""
    full = str(Path(path).expanduser().resolve())
    with _opening:
        store = _open_stores.get(full)
        if store is None:
            store = _open_stores[full] = SqliteStore(full)
        return store


class SqliteStore:
    """A store in an SQLite file (https://www.sqlite.org), made if there is none; only its owner may
    read it.

    Committed records survive the end of the process at any point. Full-text search uses SQLite's
    FTS5 where it is built in, and reads all passages where it is not.

    Args:
        path: of the file. Its folder exists.

    Raises:
        SessionError: the file cannot be opened, or holds something else.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = str(path)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None  # device and number of the open file
        self._process = 0
        with self._reading():
            pass

    def __repr__(self) -> str:
        return f"SqliteStore({self.path!r})"

    def open(self, name: str | None) -> SessionInfo:
        """Return the session of that name, made if there is none.

        A file that was deleted is made again.
        """
        with self._lock:
            if self._connection is not None and not self._is_there():
                self._connection.close()
                self._connection = None
        found = None if name is None else self.find(name)
        if found is not None:
            return found
        with self._writing(OPEN_TIMEOUT_S) as db:
            if name is None:
                name = store_rules.free_name(
                    row[0] for row in db.execute("SELECT name FROM session")
                )
            now = time.time()
            db.execute(
                "INSERT INTO session (id, name, created, updated) VALUES (?, ?, ?, ?) ON CONFLICT "
                "(name) DO NOTHING",
                (uuid.uuid4().hex, name, now, now),
            )
            return _info(db.execute(f"{_INFO} WHERE name = ?", (name,)).fetchone())

    def find(self, name: str) -> SessionInfo | None:
        """Return the session of that name; None if there is none."""
        with self._reading() as db:
            row = db.execute(f"{_INFO} WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        return _info(row)

    def count(self) -> int:
        """Return the number of sessions."""
        with self._reading() as db:
            return int(db.execute("SELECT count(*) FROM session").fetchone()[0])

    def sessions(self) -> list[SessionInfo]:
        """Return all sessions, the one that was changed last first."""
        with self._reading() as db:
            return [_info(row) for row in db.execute(f"{_INFO} ORDER BY updated DESC")]

    def read(self, id: str) -> list[Record]:
        """Return the records of a session."""
        with self._reading() as db:
            db.execute("BEGIN")  # both statements see one state
            try:
                _check_session(db, id)
                rows = db.execute(
                    "SELECT turn, entry FROM record WHERE session = ? ORDER BY number", (id,)
                ).fetchall()
            finally:
                db.execute("COMMIT")
        try:
            return [Record(turn, decode_json(entry, type=Entry)) for turn, entry in rows]
        except msgspec.MsgspecError as error:
            raise SessionError(f"{self.path}: a record cannot be read: {error}") from error

    def append(self, id: str, records: Sequence[Record]) -> None:
        """Add records to a session."""
        rows = [(id, record.turn, msgspec.json.encode(record.entry).decode()) for record in records]
        with self._writing() as db:
            _check_session(db, id)
            db.executemany("INSERT INTO record (session, turn, entry) VALUES (?, ?, ?)", rows)
            db.execute(
                "UPDATE session SET updated = ?, begins = CASE begins WHEN '' THEN ? ELSE begins "
                "END WHERE id = ?",
                (time.time(), store_rules.beginning_of(records), id),
            )
            for text in store_rules.passages_of(records):
                self._add_passage(db, text, id)

    def rename(self, id: str, name: str) -> None:
        """Name a session."""
        with self._writing() as db:
            _check_session(db, id)
            try:
                db.execute("UPDATE session SET name = ? WHERE id = ?", (name, id))
            except sqlite3.IntegrityError:
                raise store_rules.name_taken(name) from None

    def delete(self, id: str) -> None:
        """Delete a session."""
        with self._writing() as db:
            _check_session(db, id)
            if self._indexes:
                db.execute(
                    "DELETE FROM passage_index WHERE rowid IN (SELECT number FROM passage WHERE "
                    "session = ?)",
                    (id,),
                )
                # its words leave the file
                db.execute("INSERT INTO passage_index (passage_index) VALUES ('optimize')")
            db.execute("DELETE FROM session WHERE id = ?", (id,))
        with self._reading() as db, contextlib.suppress(SessionError):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def remember(self, text: str, id: str | None) -> None:
        """Keep a fact that can be searched."""
        with self._writing() as db:
            if id is not None:
                _check_session(db, id)
            self._add_passage(db, text, id)

    def search(self, query: str, id: str | None, limit: int) -> list[Passage]:
        """Return the passages that have words of the query, best first."""
        words = store_rules.words_of(query)
        if not words:
            return []
        with self._reading() as db:
            if self._indexes:
                match = " OR ".join(f'"{word}"*' for word in words)
                rows = db.execute(_SEARCH, (match, id, limit)).fetchall()
            else:
                rows = db.execute(_PASSAGES, (id,)).fetchall()
        found = [Passage(text=text, session=name, at=at) for text, name, at in rows]
        if self._indexes:
            return found
        return store_rules.best_matches(query, found, limit)

    def _add_passage(self, db: sqlite3.Connection, text: str, session: str | None) -> None:
        number = db.execute(
            "INSERT INTO passage (session, text, at) VALUES (?, ?, ?)", (session, text, time.time())
        ).lastrowid
        if self._indexes:
            db.execute("INSERT INTO passage_index (rowid, text) VALUES (?, ?)", (number, text))

    # --- the connection ---

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
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
    def _writing(self, timeout_s: float = BUSY_TIMEOUT_S) -> Iterator[sqlite3.Connection]:
        """Give the connection in a transaction, which other processes wait for.

        Args:
            timeout_s: seconds to wait while another process writes.
        """
        with self._reading() as db:
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
            self._indexes = _has_index(db)
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


def _check_session(db: sqlite3.Connection, id: str) -> None:
    if db.execute("SELECT 1 FROM session WHERE id = ?", (id,)).fetchone() is None:
        raise store_rules.no_session()


def _info(row: tuple[str, str, float, float, str, int]) -> SessionInfo:
    id, name, created, updated, begins, turns = row
    return SessionInfo(
        id=id, name=name, created=created, updated=updated, begins=begins, turns=turns
    )
