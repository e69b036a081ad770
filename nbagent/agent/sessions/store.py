"""Stores of conversations: what one has to do, and the one in this process's memory."""

import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from nbagent.agent.model.input_items import Item, Message, text_of
from nbagent.errors import SessionError

BEGINS_CHARS = 100
"""Characters of a session's first prompt that a list of sessions has."""

_WORD = re.compile(r"\w+")


class Summary(msgspec.Struct, frozen=True, kw_only=True, tag="summary"):
    """A text that stands for the turns of a conversation up to that of the id `through`."""

    text: str
    through: str


class Allowed(msgspec.Struct, frozen=True, kw_only=True, tag="allowed"):
    """Names of the tools that the user allows for good in a session. The last such entry counts."""

    tools: tuple[str, ...]


Entry: TypeAlias = Item | Summary | Allowed


class Record(msgspec.Struct, frozen=True):
    """An entry of a session, and the id of the turn in which it was made."""

    turn: str
    entry: Entry


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A session in a list.

    Attributes:
        id: unique, and for good.
        name: unique in its store; may change.
        created: seconds since the epoch.
        updated: seconds since the epoch, of the last record.
        turns: number of prompts so far.
        begins: the beginning of the first prompt; "" if there is none.
    """

    id: str
    name: str
    created: float
    updated: float
    turns: int = 0
    begins: str = ""


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """A text that a search found: a message, or a fact that was remembered.

    Attributes:
        text: all of it.
        session: name of the session; None for what belongs to none.
        at: seconds since the epoch.
    """

    text: str
    session: str | None
    at: float


class Store(Protocol):
    """Keeps sessions: append-only lists of records, and what can be searched.

    Its methods block. They may be called from any thread, and a store outside this process from
    several processes at once. Every method that takes the id of a session raises `SessionError` if
    there is none.
    """

    def open(self, name: str | None) -> SessionInfo:
        """Return the session of that name, made if there is none.

        None makes a new one with a name of its own.
        """
        ...

    def find(self, name: str) -> SessionInfo | None:
        """Return the session of that name; None if there is none."""
        ...

    def count(self) -> int:
        """Return the number of sessions."""
        ...

    def sessions(self) -> list[SessionInfo]:
        """Return all sessions, the one that was changed last first."""
        ...

    def read(self, id: str) -> list[Record]:
        """Return the records of a session, in the order in which they came."""
        ...

    def append(self, id: str, records: Sequence[Record]) -> None:
        """Add records to a session: all, or none if that fails.

        Their messages can be searched from then on.
        """
        ...

    def rename(self, id: str, name: str) -> None:
        """Name a session. Raises `SessionError` if another has that name."""
        ...

    def delete(self, id: str) -> None:
        """Delete a session, and what was remembered in it."""
        ...

    def remember(self, text: str, id: str | None) -> None:
        """Keep a fact that can be searched: of a session, or of none."""
        ...

    def search(self, query: str, id: str | None, limit: int) -> list[Passage]:
        """Return the passages that have words of the query, best first: of one session, or (None)
        of the whole store.
        """
        ...


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
                name = free_name(self._ids)
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
            self._passages += [(id, text, now) for text in passages_of(records)]
            turns = len({record.turn for record in self._records[id]})
            begins = info.begins or beginning_of(records)
            self._infos[id] = msgspec.structs.replace(info, updated=now, turns=turns, begins=begins)

    def rename(self, id: str, name: str) -> None:
        """Name a session."""
        with self._lock:
            info = self._info(id)
            if self._ids.get(name, id) != id:
                raise name_taken(name)
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
        return best_matches(query, passages, limit)

    def _info(self, id: str) -> SessionInfo:
        try:
            return self._infos[id]
        except KeyError:
            raise no_session() from None


def no_session() -> SessionError:
    """Return the error for a session that is not in its store."""
    return SessionError("the session is not in its store: it was deleted")


def name_taken(name: str) -> SessionError:
    """Return the error for a name that another session has."""
    return SessionError(
        f"another session is named {name!r}; choose another name, or delete that session"
    )


def free_name(names: Iterable[str]) -> str:
    """Return the first of "chat 1", "chat 2", … that is not among the names."""
    taken = set(names)
    return next(
        name for number in range(1, len(taken) + 2) if (name := f"chat {number}") not in taken
    )


def passages_of(records: Iterable[Record]) -> list[str]:
    """Return the texts of records that can be searched: what the user and the model said."""
    messages = (record.entry for record in records if isinstance(record.entry, Message))
    return [
        text
        for message in messages
        if message.role in ("user", "assistant") and (text := text_of(message))
    ]


def beginning_of(records: Iterable[Record]) -> str:
    """Return the beginning of the first prompt in the records; "" if there is none."""
    for record in records:
        if isinstance(record.entry, Message) and record.entry.role == "user":
            return " ".join(text_of(record.entry).split())[:BEGINS_CHARS]
    return ""


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case."""
    return _WORD.findall(text.casefold())


def best_matches(query: str, passages: Iterable[Passage], limit: int) -> list[Passage]:
    """Return the passages with words of the query, most of them first, then the newest.

    A word may go on: "rain" finds "rainy".
    """
    wanted = set(words_of(query))
    found: list[tuple[int, float, Passage]] = []
    for passage in passages:
        words = Counter(words_of(passage.text))
        hits = sum(any(word.startswith(each) for word in words) for each in wanted)
        if hits:
            found.append((hits, passage.at, passage))
    found.sort(key=lambda entry: entry[:2], reverse=True)
    return [passage for _, _, passage in found[:limit]]
