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
from collections.abc import Sequence
from pathlib import Path

import msgspec

from nbagent.agent.sessions import sqlite_file, store_rules
from nbagent.agent.sessions.sqlite_file import SqliteFile
from nbagent.agent.sessions.store import Entry, Passage, Record, SessionInfo
from nbagent.errors import SessionError
from nbagent.events.json_text import decode_json

_INFO = """
SELECT id, name, created, updated, begins,
    (SELECT count(DISTINCT turn) FROM record WHERE record.session = id) AS turns
FROM session
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
        self._file = SqliteFile(self.path)

    def __repr__(self) -> str:
        return f"SqliteStore({self.path!r})"

    def open(self, name: str | None) -> SessionInfo:
        """Return the session of that name, made if there is none.

        A file that was deleted is made again.
        """
        self._file.reopen_if_deleted()
        found = None if name is None else self.find(name)
        if found is not None:
            return found
        with self._file.writing(sqlite_file.OPEN_TIMEOUT_S) as db:
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
        with self._file.reading() as db:
            row = db.execute(f"{_INFO} WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        return _info(row)

    def count(self) -> int:
        """Return the number of sessions."""
        with self._file.reading() as db:
            return int(db.execute("SELECT count(*) FROM session").fetchone()[0])

    def sessions(self) -> list[SessionInfo]:
        """Return all sessions, the one that was changed last first."""
        with self._file.reading() as db:
            return [_info(row) for row in db.execute(f"{_INFO} ORDER BY updated DESC")]

    def read(self, id: str) -> list[Record]:
        """Return the records of a session."""
        with self._file.reading() as db:
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
        with self._file.writing() as db:
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
        with self._file.writing() as db:
            _check_session(db, id)
            try:
                db.execute("UPDATE session SET name = ? WHERE id = ?", (name, id))
            except sqlite3.IntegrityError:
                raise store_rules.name_taken(name) from None

    def delete(self, id: str) -> None:
        """Delete a session."""
        with self._file.writing() as db:
            _check_session(db, id)
            if self._file.has_index:
                db.execute(
                    "DELETE FROM passage_index WHERE rowid IN (SELECT number FROM passage WHERE "
                    "session = ?)",
                    (id,),
                )
                # its words leave the file
                db.execute("INSERT INTO passage_index (passage_index) VALUES ('optimize')")
            db.execute("DELETE FROM session WHERE id = ?", (id,))
        with self._file.reading() as db, contextlib.suppress(SessionError):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def remember(self, text: str, id: str | None) -> None:
        """Keep a fact that can be searched."""
        with self._file.writing() as db:
            if id is not None:
                _check_session(db, id)
            self._add_passage(db, text, id)

    def search(self, query: str, id: str | None, limit: int) -> list[Passage]:
        """Return the passages that have words of the query, best first."""
        words = store_rules.words_of(query)
        if not words:
            return []
        with self._file.reading() as db:
            if self._file.has_index:
                match = " OR ".join(f'"{word}"*' for word in words)
                rows = db.execute(_SEARCH, (match, id, limit)).fetchall()
            else:
                rows = db.execute(_PASSAGES, (id,)).fetchall()
        found = [Passage(text=text, session=name, at=at) for text, name, at in rows]
        if self._file.has_index:
            return found
        return store_rules.best_matches(query, found, limit)

    def _add_passage(self, db: sqlite3.Connection, text: str, session: str | None) -> None:
        number = db.execute(
            "INSERT INTO passage (session, text, at) VALUES (?, ?, ?)", (session, text, time.time())
        ).lastrowid
        if self._file.has_index:
            db.execute("INSERT INTO passage_index (rowid, text) VALUES (?, ?)", (number, text))


def _check_session(db: sqlite3.Connection, id: str) -> None:
    if db.execute("SELECT 1 FROM session WHERE id = ?", (id,)).fetchone() is None:
        raise store_rules.no_session()


def _info(row: tuple[str, str, float, float, str, int]) -> SessionInfo:
    id, name, created, updated, begins, turns = row
    return SessionInfo(
        id=id, name=name, created=created, updated=updated, begins=begins, turns=turns
    )
