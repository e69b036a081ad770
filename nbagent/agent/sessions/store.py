"""`Store`: keeps conversations, as records; what it has to do, and what it keeps."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import msgspec

from nbagent.agent.model.input_items import Item
from nbagent.protocol.parts import Usage


class Summary(msgspec.Struct, frozen=True, kw_only=True, tag="summary"):
    """A text that stands for the turns of a conversation up to that of the id `through`."""

    text: str
    through: str


class Allowed(msgspec.Struct, frozen=True, kw_only=True, tag="allowed"):
    """Names of the tools that the user allows for good in a session. The last such entry counts."""

    tools: tuple[str, ...]


class Spent(msgspec.Struct, frozen=True, kw_only=True, tag="spent"):
    """Tokens of a turn, when it has ended."""

    usage: Usage


Entry: TypeAlias = Item | Summary | Allowed | Spent


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
