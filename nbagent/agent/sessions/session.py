"""Sessions: conversations with an agent, each prompt of which knows what was said before."""

import asyncio
import contextvars
import itertools
import os
import uuid
import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

import msgspec

from nbagent import events as e
from nbagent.agent.client_options import NO_OPTIONS, ClientOptions
from nbagent.agent.model.input_items import (
    Item,
    Json,
    answers_calls,
    ended,
    open_calls,
    settled,
    to_chat,
    valid_parts,
)
from nbagent.agent.run.history import Conversation, Emit
from nbagent.agent.run.outcome import ANSWER_EVENTS
from nbagent.agent.run.params import RunParams
from nbagent.agent.sessions.memory import Exchange, Memory, Window
from nbagent.agent.sessions.sqlite_store import sqlite_store
from nbagent.agent.sessions.store import Allowed, Entry, Record, SessionInfo, Store, Summary
from nbagent.agent.sessions.summariser import Summariser
from nbagent.agent.tools.tool import in_thread
from nbagent.errors import NbagentError, SessionError
from nbagent.events.jsonable import json_safe
from nbagent.events.question import Handler
from nbagent.events.types import EventTypes
from nbagent.gate import secrets
from nbagent.printable import printable_line
from nbagent.runtime.per_process import PerProcess

if TYPE_CHECKING:
    from nbagent.agent.agent import Agent
    from nbagent.agent.agent_stream import AgentStream

StoreLike: TypeAlias = Store | str | os.PathLike[str]
"""A store, the path of its SQLite file, or the URL of a Redis."""

Key: TypeAlias = tuple[int, str]
"""A session in this process: the identity of its store, and its id."""

_UNMASKED = frozenset({"id", "call_id", "encrypted_content", "signature"})
"""Fields that go back to the model's server as they came; they are no texts."""

_exchange_locks: PerProcess["weakref.WeakValueDictionary[Key, ExchangeLock]"] = PerProcess(
    weakref.WeakValueDictionary
)
_answering: contextvars.ContextVar[frozenset[Key]] = contextvars.ContextVar(
    "nbagent_answering", default=frozenset()
)

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
    """

    def __init__(self, agent: "Agent", store: Store, info: SessionInfo) -> None:
        self.agent = agent
        self.store = store
        self.id: str = info.id
        self.allowed: set[str] = set()
        self._stored_allowed: frozenset[str] = frozenset()
        self._update_allowed(Log(store.read(info.id)))
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
        lock = _exchange_locks.get().get(self._key)
        running = None if lock is None else lock.exchange
        return Log(self.store.read(self.id), running).items

    def _update_allowed(self, log: "Log") -> None:
        """Take over what was allowed in another process."""
        if log.allowed != self._stored_allowed:
            self._stored_allowed = frozenset(log.allowed)
            self.allowed.clear()
            self.allowed.update(log.allowed)

    def _changed_allowed(self) -> list[Allowed]:
        """Return the entry that keeps `allowed`, if that has changed."""
        if self.allowed == self._stored_allowed:
            return []
        self._stored_allowed = frozenset(self.allowed)
        return [Allowed(tools=tuple(sorted(self.allowed)))]

    @property
    def _key(self) -> Key:
        return id(self.store), self.id

    @property
    def messages(self) -> list[Json]:
        """The conversation, as messages of Chat Completions: a valid beginning of a request to any
        server.
        """
        return to_chat(self.history, "")

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
        log = Log(records)
        kept, whole = log.beginning(at)
        for record in records:
            match record.entry:
                case Summary(through=through) if through in whole:
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
        return open_calls(Log(self.store.read(self.id)).last)

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


class Log:
    """The records of a session, put in order.

    Args:
        records: of the session.
        running: id of the exchange that goes on in this process, or None.

    Attributes:
        exchanges: in the order in which they began; each ends with an answer, except for the
            running one. What begins with results of calls goes on with the exchange before.
        last: the last exchange, as it stands in the records.
        summary: the last one, or None.
        allowed: names of the tools that the user allows for good.
    """

    def __init__(self, records: Iterable[Record], running: str | None = None) -> None:
        parts: dict[str, list[Item]] = {}
        self.summary: Summary | None = None
        self.allowed: set[str] = set()
        for record in records:
            match record.entry:
                case Summary():
                    self.summary = record.entry
                case Allowed():
                    self.allowed = set(record.entry.tools)
                case item:
                    parts.setdefault(record.turn, []).append(item)
        joined: dict[str, list[Item]] = {}
        exchange = ""
        self.last: list[Item] = []
        for id, items in parts.items():
            if not joined or not answers_calls(items):
                exchange, self.last = id, []
                joined[exchange] = self.last
            self.last += items
            if id == running:
                running = exchange
        self.exchanges = [
            Exchange(id=id, items=settled(items) if id == running else ended(items))
            for id, items in joined.items()
        ]

    @property
    def items(self) -> list[Item]:
        """The items of all exchanges."""
        return [item for exchange in self.exchanges for item in exchange.items]

    def beginning(self, at: int | None) -> tuple[list[Record], set[str]]:
        """Return the records of the first messages, and the ids of the exchanges that are whole.

        Args:
            at: as for `Session.fork`.
        """
        count = len(to_chat(self.items, ""))
        room = count if at is None else at
        if room < 0:
            room = max(0, count + room)
        kept: list[Record] = []
        whole: set[str] = set()
        for exchange in self.exchanges:
            for part in valid_parts(exchange.items):
                room -= len(to_chat(part, ""))
                if room < 0:
                    return kept, whole
                kept += [Record(exchange.id, item) for item in part]
            whole.add(exchange.id)
        return kept, whole

    def take_answered(self, prompt: Sequence[Item]) -> list[Item]:
        """Take the last exchange out if a prompt has results of its calls, and return its items."""
        if not self.exchanges or not answers_calls(prompt):
            return []
        self.exchanges.pop()
        return self.last


class ExchangeLock(asyncio.Lock):
    """Held by the exchange of a session that goes on in this process.

    Attributes:
        exchange: its id, or None.
    """

    def __init__(self) -> None:
        super().__init__()
        self.exchange: str | None = None


class SessionHistory:
    """The history of one exchange of a session.

    Args:
        session: that is continued.
        params: the parameters of the run.
        memory: chooses what the model is sent; None sends all.
        turn: id of the exchange; None for a new one.
    """

    def __init__(
        self, session: Session, params: RunParams, memory: Memory | None, turn: str | None = None
    ) -> None:
        self._session = session
        self._params = params
        self._memory = memory
        self._id = turn or uuid.uuid4().hex
        self._lock: ExchangeLock | None = None
        self._order = asyncio.Lock()
        self._writes: set[asyncio.Task[None]] = set()
        self._summariser: Summariser | None = None

    async def begin(self, conversation: Conversation, emit: Emit) -> None:
        """Wait for the exchange before this one, keep the prompt, and put before it what the model
        is sent.
        """
        await self._acquire(emit)
        session = self._session
        log = Log(await in_thread(partial(session.store.read, session.id)))
        session._update_allowed(log)
        prompt = list(conversation.items)
        await self.add(prompt)
        answered = log.take_answered(prompt)
        past = Window(exchanges=log.exchanges, summary=log.summary)
        if self._memory is None:
            past = Window(exchanges=log.exchanges)
        else:
            self._summariser = Summariser(self._params, emit)
            past = await self._memory.recent(past, [*answered, *prompt], self._summariser)
            if past.summary is not None and past.summary != log.summary:
                await self._write([past.summary])
        conversation.put_before([*past.items, *answered])

    async def add(self, items: Sequence[Item]) -> None:
        """Keep items, and what the user has allowed meanwhile."""
        await self._write([*items, *self._session._changed_allowed()])

    async def end(self) -> e.Usage | None:
        """Wait until all is written, and let the session's next exchange begin."""
        try:
            if self._lock is not None:
                await self.add([])
                await asyncio.gather(*self._writes)
        finally:
            if self._lock is not None:
                self._lock.exchange = None
                self._lock.release()
        if self._summariser is None:
            return None
        return self._summariser.usage

    async def _acquire(self, emit: Emit) -> None:
        session = self._session
        key = session._key
        if key in _answering.get():
            raise NbagentError(
                f"a tool of {session.name!r} asked this session itself, whose answer waits for "
                "the tool"
            )
        lock = _exchange_locks.get().setdefault(key, ExchangeLock())
        if lock.locked():
            await emit(e.Status(message=f"waits for the answer before it in {session.name}"))
        await lock.acquire()
        self._lock, lock.exchange = lock, self._id
        _answering.set(_answering.get() | {key})  # of this run's task, and so of its tools

    async def _write(self, entries: Sequence[Entry]) -> None:
        """Write entries after those before.

        They are written even if the run is stopped meanwhile.
        """
        if not entries:
            return
        task = asyncio.create_task(self._append(entries), name="nbagent-session")
        self._writes.add(task)
        try:
            await asyncio.shield(task)
        finally:
            if task.done():
                self._writes.discard(task)

    async def _append(self, entries: Sequence[Entry]) -> None:
        known = secrets.known()
        records = [Record(self._id, _without_credentials(entry, known)) for entry in entries]
        async with self._order:
            await in_thread(partial(self._session.store.append, self._session.id, records))


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
    if isinstance(store, str | os.PathLike):
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


def _without_credentials(entry: Entry, known: secrets.Secrets) -> Entry:
    made: Entry = msgspec.convert(_masked(json_safe(msgspec.to_builtins(entry)), known), Entry)
    return made


def _masked(value: Any, known: secrets.Secrets) -> Any:
    match value:
        case str():
            return known.mask(value)
        case Mapping():
            return {
                name: each if name in _UNMASKED else _masked(each, known)
                for name, each in value.items()
            }
        case list() | tuple():
            return [_masked(each, known) for each in value]
    return value
