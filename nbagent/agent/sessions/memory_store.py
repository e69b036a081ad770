"""`MemoryStore`: a store of conversations in this process's memory."""

import threading
import time
import uuid
from collections.abc import Sequence

import msgspec

from nbagent.agent.sessions import store_rules
from nbagent.agent.sessions.store import Passage, Record, SessionInfo


class MemoryStore:
    """A store in this process's memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._infos: dict[str, SessionInfo] = {}
        self._ids: dict[str, str] = {}  # by name
        self._records: dict[str, list[Record]] = {}
        self._passages: list[tuple[str | None, str, float]] = []

    def open(self, name: str | None) -> SessionInfo:
        """Return the session of that name, made if there is none."""
        with self._lock:
            if name is None:
                name = store_rules.free_name(self._ids)
            if name not in self._ids:
                id, now = uuid.uuid4().hex, time.time()
                self._infos[id] = SessionInfo(id=id, name=name, created=now, updated=now)
                self._ids[name] = id
                self._records[id] = []
            return self._infos[self._ids[name]]

    def find(self, name: str) -> SessionInfo | None:
        """Return the session of that name; None if there is none."""
        with self._lock:
            return self._infos.get(self._ids.get(name, ""))

    def count(self) -> int:
        """Return the number of sessions."""
        with self._lock:
            return len(self._infos)

    def sessions(self) -> list[SessionInfo]:
        """Return all sessions, the one that was changed last first."""
        with self._lock:
            return sorted(self._infos.values(), key=lambda info: info.updated, reverse=True)

    def read(self, id: str) -> list[Record]:
        """Return the records of a session."""
        with self._lock:
            self._info(id)
            return list(self._records[id])

    def append(self, id: str, records: Sequence[Record]) -> None:
        """Add records to a session."""
        with self._lock:
            info, now = self._info(id), time.time()
            self._records[id] += records
            self._passages += [(id, text, now) for text in store_rules.passages_of(records)]
            turns = len({record.turn for record in self._records[id]})
            begins = info.begins or store_rules.beginning_of(records)
            self._infos[id] = msgspec.structs.replace(info, updated=now, turns=turns, begins=begins)

    def rename(self, id: str, name: str) -> None:
        """Name a session."""
        with self._lock:
            info = self._info(id)
            if self._ids.get(name, id) != id:
                raise store_rules.name_taken(name)
            del self._ids[info.name]
            self._ids[name] = id
            self._infos[id] = msgspec.structs.replace(info, name=name)

    def delete(self, id: str) -> None:
        """Delete a session."""
        with self._lock:
            del self._ids[self._info(id).name], self._infos[id], self._records[id]
            self._passages = [passage for passage in self._passages if passage[0] != id]

    def remember(self, text: str, id: str | None) -> None:
        """Keep a fact that can be searched."""
        with self._lock:
            if id is not None:
                self._info(id)
            self._passages.append((id, text, time.time()))

    def search(self, query: str, id: str | None, limit: int) -> list[Passage]:
        """Return the passages that have words of the query, best first."""
        with self._lock:
            names = {info.id: info.name for info in self._infos.values()}
            passages = [
                Passage(text=text, session=names.get(of or ""), at=at)
                for of, text, at in self._passages
                if id in (None, of)
            ]
        return store_rules.best_matches(query, passages, limit)

    def _info(self, id: str) -> SessionInfo:
        try:
            return self._infos[id]
        except KeyError:
            raise store_rules.no_session() from None
