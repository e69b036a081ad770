"""`SqliteEvents`: an SQLite file of served runs, which several processes of one machine may use at
once.
"""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from nbagent.agent.sessions.sqlite_file import transaction
from nbagent.server.stores.doorbell import Doorbell
from nbagent.server.stores.event_store import (
    MAX_ENDED,
    MAX_GOING_ON,
    ChatPlace,
    Rows,
    RunList,
    RunMissing,
    StoreBroken,
    StoredRun,
    StoreUnreachable,
    TakeCommand,
)
from nbagent.server.stores.owner import is_alive, owner_id
from nbagent.server.stores.sqlite_file import SqliteFile

CHECK_BYTES = 16 * 1024
"""Bytes that a check writes. Fewer could find room in a page that the file has already."""

READ_EVENTS = 5_000
"""Events that one read returns at most."""

COMMANDS_WAIT_S = 30.0
"""Seconds between two looks for commands that no datagram announced."""

MEMORY_RUNS = 300
"""Ended runs that a store in memory keeps; a file keeps all."""

LIST_KEY = "the list of runs"
"""Key of the `Doorbell` for the list of runs."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    session TEXT,
    owner TEXT NOT NULL,
    created REAL NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    prompt TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS run_session ON run (session);
CREATE INDEX IF NOT EXISTS run_going_on ON run (owner) WHERE ended = 0;
CREATE TABLE IF NOT EXISTS event (
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS command (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    body BLOB NOT NULL,
    reply BLOB
);
CREATE INDEX IF NOT EXISTS command_owner ON command (owner) WHERE reply IS NULL;
CREATE TABLE IF NOT EXISTS bell (
    key TEXT NOT NULL,
    owner TEXT NOT NULL,
    port INTEGER NOT NULL,
    PRIMARY KEY (key, owner)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS written (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS logout (
    session TEXT PRIMARY KEY,
    until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chat (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    message TEXT
) WITHOUT ROWID;
"""

T = TypeVar("T")


class SqliteEvents(SqliteFile):
    """A store in an SQLite file.

    A process that waits for a change leaves its `Doorbell` in the file, and the one that makes the
    change rings it.

    Args:
        path: of the file; `":memory:"` keeps the runs in this process only.

    Attributes:
        owner: id of this process.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, _SCHEMA)
        self.owner = owner_id()
        self._is_shared = str(path) != ":memory:"
        self._bell = Doorbell()

    async def close(self) -> None:
        """Close the file."""
        self._bell.close()
        with contextlib.suppress(StoreUnreachable, StoreBroken), self._writing() as db:
            db.execute("DELETE FROM bell WHERE owner = ?", (self.owner,))
        with self._lock:
            self._db.close()

    async def check_writable(self) -> None:
        """Write something to the file; see `EventStore.check_writable`."""

        def write() -> None:
            with self._writing() as db:
                db.execute(
                    "INSERT OR REPLACE INTO written VALUES (1, ?)", (os.urandom(CHECK_BYTES),)
                )

        await asyncio.to_thread(write)

    # --- runs ---

    async def begin(self, run: StoredRun) -> StoredRun | None:
        """Add a run; see `EventStore.begin`."""
        return await asyncio.to_thread(self._begin, run)

    def _begin(self, run: StoredRun) -> StoredRun | None:
        with self._writing() as db:
            if other := self._one(
                "session = ? AND ended = 0 AND owner <> ?", run.session, run.owner
            ):
                return other
            row = (run.id, run.agent, run.session, run.owner, run.created, run.prompt)
            fields = "id, agent, session, owner, created, prompt"
            db.execute(f"INSERT INTO run ({fields}) VALUES (?, ?, ?, ?, ?, ?)", row)  # noqa: S608 - of this file
            if not self._is_shared:
                old = "SELECT id FROM run WHERE ended = 1 ORDER BY created DESC LIMIT -1 OFFSET ?"
                db.execute(f"DELETE FROM event WHERE run IN ({old})", (MEMORY_RUNS,))  # noqa: S608 - of this file
                db.execute(f"DELETE FROM run WHERE id IN ({old})", (MEMORY_RUNS,))  # noqa: S608 - of this file
            ports, list_ports = self._ports(run.session), self._ports(LIST_KEY)
        self._bell.ring(run.session or "", ports)
        self._bell.ring(LIST_KEY, list_ports)
        return None

    async def append(
        self, run_id: str, events: Sequence[tuple[int, bytes]], *, ended: bool
    ) -> bool:
        """Add events of a run; see `EventStore.append`."""
        return await asyncio.to_thread(self._append, run_id, events, ended)

    def _append(self, run_id: str, events: Sequence[tuple[int, bytes]], ended: bool) -> bool:
        with self._writing() as db:
            run = self._one("id = ?", run_id)
            if run is None:
                raise RunMissing(run_id)
            if run.ended:
                query = "SELECT data FROM event WHERE run = ? AND seq = ?"
                last = db.execute(query, (run_id, events[-1][0])).fetchone()
                return last is not None and bytes(last[0]) == events[-1][1]
            rows = [(run_id, seq, data) for seq, data in events]
            db.executemany("INSERT OR IGNORE INTO event (run, seq, data) VALUES (?, ?, ?)", rows)
            ports = self._ports(run_id)
            if ended:
                db.execute("UPDATE run SET ended = 1 WHERE id = ?", (run_id,))
                db.execute("DELETE FROM bell WHERE key = ?", (run_id,))
            list_ports = self._ports(LIST_KEY) if ended else []
        self._bell.ring(run_id, ports)
        if ended:
            self._bell.ring(LIST_KEY, list_ports)
        return True

    async def read(self, run_id: str, after: int, wait_s: float = 0.0) -> Rows:
        """Return the events of a run after a number, at most `READ_EVENTS` of them; see
        `EventStore.read`.
        """
        query = "SELECT seq, data FROM event WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
        return await self._wait_for(
            run_id, lambda: self._db.execute(query, (run_id, after, READ_EVENTS)).fetchall(), wait_s
        )

    async def find(self, run_id: str) -> StoredRun | None:
        """Return the run of that id; None if there is none."""
        return await self._wait_for(run_id, lambda: self._one("id = ?", run_id))

    async def of_session(self, session: str, count: int) -> list[StoredRun]:
        """Return the runs of a session that began last; see `EventStore.of_session`."""
        return await self._wait_for(
            session, lambda: self._runs("session = ? ORDER BY rowid DESC LIMIT ?", session, count)
        )

    async def listed(self, known: RunList | None = None, wait_s: float = 0.0) -> RunList:
        """Return the list of runs; see `EventStore.listed`."""

        def look() -> RunList | None:
            with transaction(self._db, "DEFERRED"):
                # A run that ends between the two queries would be in both lists.
                # With the `+` SQLite takes the index of these few runs, and does not go through all
                # by their numbers.
                going_on = self._runs("ended = 0 ORDER BY +rowid DESC LIMIT ?", MAX_GOING_ON)
                found = RunList(
                    going_on, self._runs("ended = 1 ORDER BY rowid DESC LIMIT ?", MAX_ENDED)
                )
            return None if found == known else found

        return await self._wait_for(LIST_KEY, look, wait_s) or known or RunList([], [])

    async def next_in(self, session: str, after: str | None, wait_s: float) -> StoredRun | None:
        """Return the run of a session that began next after one; see `EventStore.next_in`."""
        condition = (
            "session = ? AND rowid > ifnull((SELECT rowid FROM run WHERE id = ?), 0) ORDER BY "
            "rowid LIMIT 1"
        )
        return await self._wait_for(session, lambda: self._one(condition, session, after), wait_s)

    # --- processes ---

    async def is_alive(self, owner: str) -> bool:
        """Return True if that process may still go on."""
        return is_alive(owner)

    async def abandoned(self) -> list[StoredRun]:
        """Return runs that have not ended, although their process has."""
        running = await self._wait_for("", lambda: self._runs("ended = 0"))
        dead = {owner for owner in {run.owner for run in running} if not is_alive(owner)}
        return [run for run in running if run.owner in dead]

    async def ask(self, owner: str, command: bytes, wait_s: float) -> bytes | None:
        """Give a process a command, and return its reply; see `EventStore.ask`."""
        id = secrets.token_hex(16)

        def put() -> None:
            with self._writing() as db:
                db.execute(
                    "INSERT INTO command (id, owner, body) VALUES (?, ?, ?)", (id, owner, command)
                )
                ports = self._ports(owner)
            self._bell.ring(owner, ports)

        def look() -> bytes | None:
            row = self._db.execute("SELECT reply FROM command WHERE id = ?", (id,)).fetchone()
            return None if row is None else row[0]

        def forget() -> None:
            with self._writing() as db:
                db.execute("DELETE FROM command WHERE id = ?", (id,))
                db.execute("DELETE FROM bell WHERE key = ?", (id,))

        await asyncio.to_thread(put)
        try:
            return await self._wait_for(id, look, wait_s)
        finally:
            await asyncio.shield(asyncio.to_thread(forget))

    async def serve(self, take: TakeCommand) -> None:
        """Carry out the commands that other processes give to this one, until cancelled."""
        await asyncio.to_thread(self._forget_bells)
        query = "SELECT id, body FROM command WHERE owner = ? AND reply IS NULL ORDER BY rowid"

        def reply(id: str, body: bytes) -> None:
            with self._writing() as db:
                db.execute("UPDATE command SET reply = ? WHERE id = ?", (body, id))
                ports = self._ports(id)
            self._bell.ring(id, ports)

        try:
            while True:
                look = lambda: self._db.execute(query, (self.owner,)).fetchall()  # noqa: E731 - a short query
                for id, body in await self._wait_for(self.owner, look, COMMANDS_WAIT_S):
                    await asyncio.to_thread(reply, id, await take(body))
        finally:
            self._bell.close()

    # --- browser sessions ---

    async def log_out(self, session: str, end: float) -> None:
        """Keep that a browser session was ended; see `Logouts.log_out`."""

        def keep() -> None:
            with self._writing() as db:
                db.execute("DELETE FROM logout WHERE until < ?", (time.time(),))
                db.execute(
                    "INSERT OR IGNORE INTO logout (session, until) VALUES (?, ?)", (session, end)
                )

        await asyncio.to_thread(keep)

    async def is_logged_out(self, session: str) -> bool:
        """Return True if a browser session was ended, by its id."""
        query = "SELECT 1 FROM logout WHERE session = ?"
        return await self._wait_for(
            "", lambda: self._db.execute(query, (session,)).fetchone() is not None
        )

    # --- chats ---

    async def keep_chat(self, chat: str, place: ChatPlace) -> None:
        """Keep the newest place of a chat; see `Chats.keep_chat`."""

        def keep() -> None:
            with self._writing() as db:
                db.execute("DELETE FROM chat WHERE run NOT IN (SELECT id FROM run WHERE ended = 0)")
                db.execute("INSERT OR REPLACE INTO chat VALUES (?, ?, ?)", (chat, *place))

        await asyncio.to_thread(keep)

    async def find_chat(self, chat: str) -> ChatPlace | None:
        """Return the newest place of a chat; see `Chats.find_chat`."""
        query = "SELECT run, message FROM chat WHERE id = ?"
        row = await self._wait_for("", lambda: self._db.execute(query, (chat,)).fetchone())
        return None if row is None else ChatPlace(*row)

    # --- the file ---

    async def _wait_for(self, key: str, look: Callable[[], T], wait_s: float = 0.0) -> T:
        """Return the rows in the file, as soon as there are some or the time is over."""

        def locked() -> T:
            with self._using():
                return look()

        found = await asyncio.to_thread(locked)
        if found or not wait_s:
            return found
        with self._bell.listening(key) as heard, contextlib.suppress(TimeoutError):
            if self._is_shared:
                # before the next look
                await asyncio.to_thread(self._leave_bell, key, await self._bell.port())
            async with asyncio.timeout(wait_s):
                while not (found := await asyncio.to_thread(locked)):
                    await heard.wait()
                    heard.clear()
        return found

    def _leave_bell(self, key: str, port: int) -> None:
        bell = (key, self.owner, port)
        with self._using():
            left = self._db.execute(
                "SELECT 1 FROM bell WHERE key = ? AND owner = ? AND port = ?", bell
            ).fetchone()
        if not left:
            with self._writing() as db:
                db.execute("INSERT OR REPLACE INTO bell (key, owner, port) VALUES (?, ?, ?)", bell)

    def _forget_bells(self) -> None:
        """Take the bells of processes that have ended out of the file."""
        with self._writing() as db:
            owners = [row[0] for row in db.execute("SELECT DISTINCT owner FROM bell")]
            db.executemany(
                "DELETE FROM bell WHERE owner = ?",
                [(owner,) for owner in owners if not is_alive(owner)],
            )

    def _ports(self, key: str | None) -> list[int]:
        return [
            row[0]
            for row in self._db.execute(
                "SELECT port FROM bell WHERE key = ? AND owner <> ?", (key, self.owner)
            )
        ]

    def _one(self, condition: str, *values: str | None) -> StoredRun | None:
        return next(iter(self._runs(condition, *values)), None)

    def _runs(self, condition: str, *values: str | int | None) -> list[StoredRun]:
        fields = "id, agent, session, owner, created, ended, prompt"
        query = f"SELECT {fields} FROM run WHERE {condition}"  # noqa: S608 - of this file
        found: list[StoredRun] = []
        for row in self._db.execute(query, values).fetchall():
            its = dict(zip(fields.split(", "), row, strict=True))
            found.append(StoredRun(**{**its, "ended": bool(its["ended"])}))
        return found
