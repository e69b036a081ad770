"""`HostedRun`: a served run, whose events are stored and then read by any number of readers."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from nbagent import events as e
from nbagent.adapters.base.encoder_protocol import Encoder
from nbagent.adapters.encoders import encoder_named
from nbagent.adapters.joined import joined
from nbagent.events import Decision
from nbagent.run import Run
from nbagent.server.hosting.commands import AnswerRun, CancelRun, Reply, RunCommand, carry_out
from nbagent.server.hosting.event_rows import event_of, row_of
from nbagent.server.hosting.feed import Feed
from nbagent.server.hosting.questions import Questions
from nbagent.server.problem import Problem
from nbagent.server.stores.event_store import (
    WAITING,
    EventStore,
    Rows,
    RunMissing,
    StoreBroken,
    StoredRun,
    StoreUnreachable,
)

JOIN_S = 0.02
"""Seconds from one batch of events to the next.

The first one after a silence is stored and sent at once.
"""

LIVENESS_S = 2.0
"""Seconds of silence after which the process of a run is checked: one that died notifies nobody."""

RETRY_S = 0.5
"""Seconds until the store is tried again when it could not be reached."""

COMMAND_TIMEOUT_S = 10.0
"""Seconds that another process has to reply to a command."""

LATE_REPLY_S = 1.0
"""Seconds that the reply to a command is waited for when the run has ended meanwhile."""

SERVER_STOPPED = "server_stopped"
"""Code of a run whose process ended before it did."""

_logger = logging.getLogger("nbagent")

T = TypeVar("T")


class HostedRun:
    """A run of this process or of another one, with its events. It is used on the server's loop.

    Args:
        stored: the run in the store.
        store: keeps its events.

    Attributes:
        stored: the run in the store.
        events: that are stored, in order.
        ended: whether the last event is among them.
        run: the run itself; None if it runs elsewhere, or has ended before this process began.
        readers: number of responses and WebSockets that it streams to.
        waits: True while the store takes none of its events.
    """

    def __init__(self, stored: StoredRun, store: EventStore) -> None:
        self.stored = stored
        self.events: list[e.Event] = []
        self.ended = False
        self.run: Run | None = None
        self.readers = 0
        self.waits = False
        self._store = store
        self._feeds: dict[str, Feed] = {}
        self._changed = asyncio.Event()
        self._insists = True

    @property
    def id(self) -> str:
        """Id of the run."""
        return self.stored.id

    @property
    def _last_seq(self) -> int:
        """Number of the last event; 0 before the first."""
        return self.events[-1].seq if self.events else 0

    def feed(self, system: str) -> Feed:
        """Return the stream of the run in the form of a system, which all its readers share."""
        return self.encoded_by(system, lambda: encoder_named(system))

    def encoded_by(self, key: str, encoder: Callable[[], Encoder]) -> Feed:
        """Return the stream of the run as an encoder of that kind writes it, shared by the readers
        who give the same key.
        """
        if key not in self._feeds:
            self._feeds[key] = Feed(self, encoder())
        return self._feeds[key]

    async def changed(self, seen: int) -> None:
        """Wait until there are more than `seen` events, or the run has ended."""
        while len(self.events) <= seen and not self.ended:
            await self._changed.wait()

    async def host(
        self, run: Run, join_s: float = JOIN_S, questions: Questions | None = None
    ) -> None:
        """Run a run to its end, and store its events.

        Args:
            run: the run.
            join_s: seconds from one batch of events to the next, in which deltas of a block are
                joined; 0 keeps each by itself.
            questions: of the process's runs, to which this one adds its own; None if somebody else
                cares for them.
        """
        self.run = run
        try:
            await self._host(run, join_s, questions)
        except StoreBroken as problem:
            run.cancel(by="the server")
            self._fail_here(problem)
        finally:
            self.run = None

    async def _host(self, run: Run, join_s: float, questions: Questions | None) -> None:
        try:
            async with contextlib.aclosing(run.stream().batches()) as batches:
                async for batch in batches:
                    if questions is not None:
                        questions.feed(run, batch)
                    if join_s:
                        batch = list(joined(batch, join_s))
                    if not await self._add(batch):
                        _logger.warning(
                            "the run %s was given up by another process, and is stopped here",
                            self.id,
                        )
                        run.cancel(by="another server process")
                        break
                    if not self.ended:
                        await asyncio.sleep(join_s)
        except asyncio.CancelledError:
            self._insists = False  # the server stops, which must not wait for a store that is gone
            raise
        finally:
            if not self.ended and not await self._add([self._cut()]):
                await self.follow()

    async def fail(self, reason: str) -> None:
        """End a run that cannot begin."""
        await self._add(self._failure(reason))

    def _fail_here(self, problem: StoreBroken) -> None:
        """End a run for its readers in this process: the store cannot keep its end."""
        if not self.ended:
            _logger.error("the run %s fails: %s", self.id, problem)
            self._publish(self._rows(self._failure(str(problem))))

    def _failure(self, reason: str) -> list[e.Event]:
        seq, now = self._last_seq, time.time()
        error = e.Error(message=reason, fatal=True, seq=seq + 1, ts=now)
        return [error, e.RunEnd(status="failed", seq=seq + 2, ts=now)]

    async def follow(self) -> None:
        """Read the events that are stored, until the end of the run.

        One whose process has ended is ended here.
        """
        try:
            await self._follow()
        except StoreBroken as problem:
            self._fail_here(problem)

    async def _follow(self) -> None:
        while not self.ended:
            alive = not self.stored.ended and await self._insist(
                lambda: self._store.is_alive(self.stored.owner)
            )
            wait_s = 0.0
            if alive:
                wait_s = LIVENESS_S
            read = partial(self._store.read, self.id, self._last_seq, wait_s)
            rows = await self._insist(read)
            self._publish(rows)
            if rows or self.ended:
                continue
            if self.stored.ended:
                # a store that keeps runs for some time only has let its events go
                self._publish(self._rows([self._cut()]))
            elif alive or not await self._add([self._cut()]):
                # It may have an owner by now, or an end. A store that has lost it may get it back
                # from its owner.
                found = await self._insist(lambda: self._store.find(self.id))
                self.stored = self.stored if found is None else found

    async def read(self) -> None:
        """Read the events that are stored now, of a run that is neither hosted nor followed here.

        Raises:
            StoreUnreachable: the store does not answer.
        """
        while rows := await self._store.read(self.id, self._last_seq):
            self._publish(rows)

    @property
    def is_followed(self) -> bool:
        """True if the run goes on in another process, whose last events may be on their way."""
        return self.run is None and not self.ended

    @property
    def has_question(self) -> bool:
        """True if a question of the run has no answer yet."""
        asked = (event for event in self.events if isinstance(event, e.ApprovalRequest))
        return any(self.waits_for(event.approval_id) for event in asked)

    def waits_for(self, approval_id: str) -> bool:
        """Return True if a question of the run has no answer yet."""
        answered = (
            event.approval_id for event in self.events if isinstance(event, e.ApprovalResponse)
        )
        return not self.ended and approval_id not in answered

    async def cancel(self, by: str) -> None:
        """Stop the run, in whichever process it goes on.

        Args:
            by: says in the transcript who has stopped it.

        Raises:
            Problem: it has ended (409), or its process does not reply (503).
        """
        await self._command(CancelRun(run=self.id, by=by))

    async def respond(
        self,
        id: str,
        decision: Decision = "approve",
        value: Any = None,
        *,
        reason: str | None = None,
        remember: bool = False,
    ) -> None:
        """Answer a question of the run, in whichever process it goes on; see `Run.respond`.

        Raises:
            Problem: the question waits no more, the value does not fit, or the run has ended (409);
                or its process does not reply (503).
        """
        await self._command(
            AnswerRun(
                run=self.id, id=id, decision=decision, value=value, reason=reason, remember=remember
            )
        )

    async def _command(self, command: RunCommand) -> None:
        if self.ended:
            reply: Reply | None = None
        elif self.run is not None:
            reply = carry_out(command, self.run)
        elif self.stored.owner == WAITING and isinstance(command, CancelRun):
            last = msgspec.structs.replace(
                self._cut(), status="cancelled", code=None, meta={"stopped_by": command.by}
            )
            reply = Reply() if await self._add([last]) else None
        else:
            reply = await self._ask(command)
        if reply is None and self.ended:
            raise Problem(409, f"the run {self.id} has ended")
        if reply is None:
            raise Problem(
                503,
                f"the process that the run {self.id} goes on in has not replied in "
                f"{COMMAND_TIMEOUT_S:g} s",
            )
        if reply.problem is not None:
            raise Problem(409, reply.problem)

    async def _ask(self, command: RunCommand) -> Reply | None:
        """Give a command to the process of the run, and return its reply; None if there is none, or
        the run ends before.
        """
        asking = asyncio.create_task(
            self._store.ask(self.stored.owner, msgspec.json.encode(command), COMMAND_TIMEOUT_S)
        )
        ending = asyncio.create_task(self.wait_for_end())
        try:
            await asyncio.wait((asking, ending), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                # The reply to a command that has ended the run comes just behind the end, if at
                # all.
                await asyncio.wait((asking,), timeout=LATE_REPLY_S)
            if not asking.done():
                return None
            reply = asking.result()
            if reply is None:
                return None
            return msgspec.json.decode(reply, type=Reply)
        finally:
            ending.cancel()
            asking.cancel()
            await asyncio.wait((asking, ending))

    async def wait_for_end(self) -> None:
        """Wait for the end of the run."""
        while not self.ended:
            await self.changed(len(self.events))

    def _cut(self) -> e.RunEnd:
        last = self.events[-1] if self.events else e.RunStart()
        return e.RunEnd(
            status="incomplete", code=SERVER_STOPPED, seq=last.seq + 1, ts=last.ts, run_id=self.id
        )

    async def _add(self, events: Sequence[e.Event]) -> bool:
        """Store events, then show them: a reader never has one that is not stored.

        Return False if the run has another end.
        """
        rows = self._rows(events)
        ended = isinstance(events[-1], e.RunEnd)
        try:
            added = await self._append(rows, ended)
        except RunMissing:  # a Redis that keeps nothing on a disk was started again
            if self.run is not None:
                await self._insist(lambda: self._store.begin(self.stored))
            added = self.run is None or await self._append([*self._rows(self.events), *rows], ended)
        if added:
            self._publish(rows)
        return added

    async def _append(self, rows: Rows, ended: bool) -> bool:
        return await self._insist(lambda: self._store.append(self.id, rows, ended=ended))

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return the store's answer, however long it cannot be reached.

        Nothing is lost meanwhile: the run waits.

        Raises:
            StoreUnreachable: the server stops.
            StoreBroken: it can keep nothing.
        """
        try:
            while True:
                try:
                    return await call()
                except StoreUnreachable as problem:
                    if not self._insists:
                        raise
                    if not self.waits:
                        _logger.warning("the run %s waits: %s", self.id, problem)
                    self.waits = True
                    await asyncio.sleep(RETRY_S)
        finally:
            self.waits = False

    def _rows(self, events: Sequence[e.Event]) -> Rows:
        return [row_of(event, self.stored) for event in events]

    def _publish(self, rows: Rows) -> None:
        """Show stored events as another process reads them, without the objects of this one.

        So all readers get the same, and no result stays in memory as long as its events.

        Raises:
            StoreBroken: one cannot be read; those before it are shown.
        """
        try:
            for seq, data in rows:
                event = event_of(seq, data, self.id)
                self.events.append(event)
                self.ended = self.ended or type(event) is e.RunEnd
        finally:
            self._changed.set()
            self._changed = asyncio.Event()
