"""`SessionHistory`: one exchange of a session, kept as it is said."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent.model.input_items import Item
from nbagent.agent.run.history import Conversation, Emit
from nbagent.agent.run.params import RunParams
from nbagent.agent.sessions.exchange_lock import ANSWERING, ExchangeLock, exchange_lock
from nbagent.agent.sessions.memory import Memory, Window
from nbagent.agent.sessions.session import Session
from nbagent.agent.sessions.store import Entry, Record, Spent
from nbagent.agent.sessions.summariser import Summariser
from nbagent.agent.tools.tool import in_thread
from nbagent.errors import NbagentError
from nbagent.events.jsonable import json_safe
from nbagent.gate import secrets

_UNMASKED = frozenset({"id", "call_id", "encrypted_content", "signature"})
"""Fields that go back to the model's server as they came; they are no texts."""


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
        self._stored = session.stored
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
        log = await in_thread(self._stored.read)
        self._stored.update_allowed(log)
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
        await self._write([*items, *self._stored.changed_allowed()])

    async def end(self, usage: e.Usage | None) -> e.Usage | None:
        """Keep the tokens, wait until all is written, and let the session's next exchange begin."""
        summed = self._summed(usage)
        try:
            if self._lock is not None:
                await self.add([])
                if summed is not None:
                    await self._write([Spent(usage=summed)])
                await asyncio.gather(*self._writes)
        finally:
            if self._lock is not None:
                self._lock.exchange = None
                self._lock.release()
        return summed

    def _summed(self, usage: e.Usage | None) -> e.Usage | None:
        """Return the tokens of the exchange: of the run, and of the summary before it."""
        if self._summariser is None or self._summariser.usage == e.Usage():
            return usage
        return self._summariser.usage + (usage or e.Usage())

    async def _acquire(self, emit: Emit) -> None:
        name, key = self._session.name, self._stored.key
        if key in ANSWERING.get():
            raise NbagentError(
                f"a tool of {name!r} asked this session itself, whose answer waits for the tool"
            )
        lock = exchange_lock(key)
        if lock.locked():
            await emit(e.Status(message=f"waits for the answer before it in {name}"))
        await lock.acquire()
        self._lock, lock.exchange = lock, self._id
        ANSWERING.set(ANSWERING.get() | {key})  # of this run's task, and so of its tools

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
            await in_thread(partial(self._stored.append, records))


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
