"""Sessions: conversations with an agent, each prompt of which knows what was said before."""

import itertools
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.agent.model.input_items import Item, Json, to_chat
from nbagent.agent.model.valid_history import open_calls
from nbagent.agent.run.outcome import ANSWER_EVENTS
from nbagent.agent.sessions.exchange_lock import running_exchange
from nbagent.agent.sessions.session_log import SessionLog
from nbagent.agent.sessions.sqlite_store import sqlite_store
from nbagent.agent.sessions.store import Allowed, SessionInfo, Spent, Store, Summary
from nbagent.agent.sessions.stored_session import StoredSession
from nbagent.errors import NbagentError, SessionError
from nbagent.events.question import Handler
from nbagent.events.types import EventTypes
from nbagent.gate import secrets
from nbagent.printable import printable_line
from nbagent.protocol.parts import Usage

if TYPE_CHECKING:
    from nbagent.agent.agent import Agent
    from nbagent.agent.agent_stream import AgentStream

StoreLike: TypeAlias = Store | str | os.PathLike[str]
"""A store, the path of its SQLite file, or the URL of a Redis."""

T = TypeVar("T")


class Session:
    """A conversation with an agent. `agent.session(…)` makes one, or returns to one.

        chat = agent.session("sales", store="chats.db")
        await nbagent.show(chat.stream("How much did we sell in 2023?"))
        await nbagent.show(chat.stream("and 2024?"))

    One prompt is answered at a time: a stream that is read while another one of the session goes on
    waits for its end. Only another process, which uses the same file, may answer at the same
    moment; nothing of the two answers is lost.

    Credentials that nbagent knows are masked in what a session keeps, as everywhere.

    Args:
        agent: that answers.
        store: keeps the conversation.
        info: of the session in the store.

    Attributes:
        agent: that answers.
        store: keeps the conversation.
        id: of the session in its store; stays when it is renamed.
        allowed: names of the tools that the user allows for good in this session. It may be
            changed.
        stored: the session in its store, as its exchanges read and write it.
    """

    def __init__(self, agent: "Agent", store: Store, info: SessionInfo) -> None:
        self.agent = agent
        self.store = store
        self.id: str = info.id
        self.stored = StoredSession(store, info.id)
        self.stored.update_allowed(self.stored.read())
        self.allowed: set[str] = self.stored.allowed
        self._name: str = info.name

    @property
    def name(self) -> str:
        """The session's name, unique in its store."""
        return self._name

    def __repr__(self) -> str:
        return f"<Session {self.name!r} with {printable_line(self.agent.name)}>"

    def stream(
        self,
        prompt: str | Iterable[Any],
        *,
        output: Any = None,
        types: EventTypes = None,
        client_options: ClientOptions = NO_OPTIONS,
    ) -> "AgentStream":
        """Return the events of the answer, as `Agent.stream` does.

        The prompt is part of the session when reading begins.

        What was said before is taken from the store at that moment. Each prompt, response and
        result is kept at once, so that a process that ends at any point leaves a session that can
        go on: a call without a result gets one that says so, and is not run again. An answer that
        was stopped or broke off stays as far as it came.

        Args:
            prompt: as for `Agent.stream`; all its messages are added to the session.
            output: type of the answer, as for `Agent.stream`.
            types: types of the events to keep; None keeps all.
            client_options: as for `Agent.stream`.

        Raises:
            NbagentError: as for `Agent.stream`. The run fails with a `SessionError` if the session
                has been deleted.
        """
        return self.agent._stream_in(self, prompt, output, types, client_options)

    @overload
    async def generate(
        self, prompt: str | Iterable[Any], *, answer: Handler | None = None
    ) -> str: ...
    @overload
    async def generate(
        self, prompt: str | Iterable[Any], *, output: type[T], answer: Handler | None = None
    ) -> T: ...
    @overload
    async def generate(
        self, prompt: str | Iterable[Any], *, output: Any, answer: Handler | None = None
    ) -> Any: ...
    async def generate(
        self, prompt: str | Iterable[Any], *, output: Any = None, answer: Handler | None = None
    ) -> Any:
        """Return the whole answer to a prompt, as `Agent.generate` does: a text, or an object of
        the type `output`.
        """
        return await self.agent._answer_of(
            self.stream(prompt, output=output, types=ANSWER_EVENTS), answer
        )

    @property
    def history(self) -> list[Item]:
        """The conversation, as items.

        Each call has its result, and each prompt an answer, except for a running exchange's.
        """
        return SessionLog(self.store.read(self.id), running_exchange(self.stored.key)).items

    @property
    def messages(self) -> list[Json]:
        """The conversation, as messages of Chat Completions: a valid beginning of a request to any
        server.
        """
        return to_chat(self.history, "")

    @property
    def usage(self) -> Usage:
        """Tokens of the answers so far, those of summaries among them: of each that its model's
        service has told, and of none that nbagent kept before it kept tokens.
        """
        return self.stored.read().usage

    def fork(self, at: int | None = None, name: str | None = None) -> "Session":
        """Return a new session with the first messages of this one, in the same store.

        Args:
            at: how many of `messages` it has; a negative number leaves so many of the last ones
                out. Where that would separate a call from its result, the response with the call is
                left out too. None is all.
            name: of the new session; by default this one's with a number.

        Raises:
            SessionError: another session has that name, or this one was deleted.
        """
        records = self.store.read(self.id)
        log = SessionLog(records)
        kept, whole = log.beginning(at)
        for record in records:
            match record.entry:
                case Summary(through=through) if through in whole:
                    kept.append(record)
                case Spent() if record.turn in whole:
                    kept.append(record)
                case Allowed():
                    kept.append(record)
        info = self._new(name)
        self.store.append(info.id, kept)
        return Session(self.agent, self.store, info)

    def fork_after(self, turn: str, name: str) -> "Session":
        """Return a new session with all up to the end of a turn, in the same store.

        Args:
            turn: its id; see `ClientOptions.turn`.
            name: of the new session.

        Raises:
            SessionError: there is no such turn, another session has that name, or this one was
                deleted.
        """
        records = self.store.read(self.id)
        turns = list(dict.fromkeys(record.turn for record in records))
        if turn not in turns:
            raise SessionError(f"the session has no turn {turn!r}")
        kept = turns[: turns.index(turn) + 1]
        info = self._new(name)
        self.store.append(info.id, [record for record in records if record.turn in kept])
        return Session(self.agent, self.store, info)

    @property
    def open_calls(self) -> list[str]:
        """Ids of the calls of the last turn that its client has not answered yet."""
        return open_calls(self.stored.read().last)

    def _new(self, name: str | None) -> SessionInfo:
        taken = {info.name for info in self.store.sessions()}
        if name is None:
            numbered = (f"{self.name} {number}" for number in itertools.count(2))
            name = next(made for made in numbered if made not in taken)
        if name in taken:
            raise SessionError(
                f"another session is named {name!r}; choose another name, or delete that session"
            )
        return self.store.open(name)

    def rename(self, name: str) -> None:
        """Give the session another name.

        Raises:
            SessionError: another session has that name, or this one was deleted.
        """
        self.store.rename(self.id, _valid_name(name))
        self._name = name

    def delete(self) -> None:
        """Delete the session from its store, and what was remembered in it.

        Raises:
            SessionError: it was deleted before.
        """
        self.store.delete(self.id)


def store_of(store: StoreLike) -> Store:
    """Return a store, or that of a file's path or a Redis's URL.

    Raises:
        NbagentError: it is none of these.
        SessionError: the file cannot be used, or the Redis does not answer.
    """
    if is_redis(store):
        from nbagent.agent.sessions.redis_store import RedisStore  # an extra

        return RedisStore(str(store))
    if store == ":memory:":
        raise NbagentError(
            "store=None keeps sessions in this process's memory; ':memory:' is no file"
        )
    if isinstance(store, (str, os.PathLike)):
        return sqlite_store(store)
    if not hasattr(store, "append") or not hasattr(store, "sessions"):
        raise NbagentError(
            'store must be the path of a file, such as "chats.db", the URL of a Redis, or a '
            f"Store; got {store!r}"
        )
    return store


def is_redis(store: Any) -> bool:
    """Return True if a store is given by the URL of a Redis."""
    return isinstance(store, str) and store.startswith(("redis://", "rediss://", "unix://"))


def open_session(agent: "Agent", name: str | None, store: Store) -> Session:
    """Return a session of an agent: the one of that name, or a new one."""
    return Session(agent, store, store.open(None if name is None else _valid_name(name)))


def _valid_name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise NbagentError(f"a session's name is a text, got {name!r}")
    return secrets.mask(name)
