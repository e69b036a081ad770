"""`Engine`: runs the rows of a map, as many at a time as its gate lets."""

import asyncio
import contextlib
import inspect
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from nbagent import events as e
from nbagent.agent.calls.once_ledger import ONCE_LEDGER
from nbagent.errors import NbagentError
from nbagent.many.key import fingerprint_of
from nbagent.many.once_calls import OnceCalls
from nbagent.many.outcome import Outcome, failure, outcome_of
from nbagent.many.rate import RowGate
from nbagent.many.row import Row
from nbagent.many.store import RowStore, StoredEvents, StoreFault
from nbagent.many.totals import Budget, Totals
from nbagent.run import Run
from nbagent.run_context.request_gate import REQUEST_GATE
from nbagent.runtime import work

KEPT_RUNS = 64
"""Runs that have ended and stay in memory, with their live results. Older ones are read back from
the store.
"""

MAX_REFUSALS = 5
"""Number of times a row is begun whose service refuses it (429), before it has failed."""

MAX_LOSSES = 2
"""Number of times a row is begun again whose worker has died."""

Scorer = Callable[[Any, Run], Any]
T = TypeVar("T")


class Engine:
    """Runs rows on the loop that calls `work`.

    Args:
        begin: returns the run of a row, which has not started yet.
        gate: lets rows begin.
        budget: says when no more rows begin.
        store: keeps the rows that end.
        scorers: functions from an item and its run to a value, by name.

    Attributes:
        on_change: called when a row has begun or ended.
        totals: over the rows that have ended.
        active: rows that are under way.
        changes: how often a row has begun or ended.
        is_working: whether rows are under way or wait for their turn.
        notices: what went wrong beside the rows themselves, each once.
        stop_reason: why no more rows begin; None while they do.
    """

    def __init__(
        self,
        begin: Callable[[Row], Run],
        gate: RowGate,
        budget: Budget,
        store: RowStore,
        scorers: Mapping[str, Scorer],
    ) -> None:
        self.totals = Totals()
        self.active: set[Row] = set()
        self.is_working = False
        self.changes = 0
        self.notices: list[str] = []
        self.stop_reason: str | None = None
        self.on_change: Callable[[], object] = lambda: None
        self._begin = begin
        self._gate = gate
        self._budget = budget
        self._store = store
        self._scorers = scorers
        self._marks = {name: fingerprint_of(each, None, "") for name, each in scorers.items()}
        self._kept: deque[tuple[Row, Run]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def work(self, rows: Sequence[Row]) -> None:
        """Run those rows that wait, in their order, and return when they have ended.

        Rows of an earlier execution that lack a check, or have it from another function, get it.
        """
        self.is_working = True
        try:
            await self._work(rows)
        finally:
            self.is_working = False

    async def _work(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.is_restored:
                await self._check_restored(row)
            if row.state != "waiting":
                continue
            await self._gate.enter()
            self.stop_reason = self.stop_reason or self._budget.spent(self.totals)
            if self.stop_reason is not None:
                self._gate.leave(succeeded=False)
                break
            row.state = "running"
            task = asyncio.create_task(self._run(row))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        while self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self, reason: str) -> None:
        """Begin no more rows, and stop those that go on. Not to be called on another thread."""
        self.stop_reason = self.stop_reason or reason
        self._gate.go_on()
        for task in self._tasks:
            task.cancel()

    async def _run(self, row: Row) -> None:
        """Run a row to its end, and keep it before another one may begin."""
        self.active.add(row)
        self._changed()
        try:
            outcome = await self._outcome(row)
            self.totals.add(outcome)
            await _to_its_end(self._keep(row, outcome))
            row.outcome, row.state = outcome, "ended"
        finally:
            self.active.discard(row)
            self._gate.leave(succeeded=row.outcome is not None and row.outcome.is_final)
        self._changed()

    async def _outcome(self, row: Row) -> Outcome:
        """Run a row, and call its checks. Being cancelled stops its run."""
        outcome: Outcome | None = None
        try:
            outcome = await self._attempts(row)
            if row.run is not None and outcome.is_final:
                await self._score(row, row.run, outcome)
        except asyncio.CancelledError:
            if outcome is None:
                return Outcome(status="cancelled", error=self.stop_reason)
        return outcome

    async def _attempts(self, row: Row) -> Outcome:
        """Run a row, and again where its service refused it before anything came, or its worker
        died.
        """
        refusals, losses, sent_at = 0, 0, 0.0
        while True:
            if not row.is_of_agent:
                sent_at = await self._gate.admit()
            outcome = await self._attempt(row)
            if outcome.error_type == "WorkerLost" and losses < MAX_LOSSES:
                losses += 1
                continue
            is_refused = _is_refused(outcome)
            if not row.is_of_agent and is_refused:
                self._gate.refused(sent_at)
            if not is_refused:
                return outcome
            refusals += 1
            if refusals == MAX_REFUSALS:
                return outcome

    async def _attempt(self, row: Row) -> Outcome:
        """Run a row once."""
        row.attempts += 1
        row.began = time.time()
        # Of this row's own task. An agent's stream takes its context when it is made.
        REQUEST_GATE.set(LoopGate(self._gate, asyncio.get_running_loop()))
        ONCE_LEDGER.set(OnceCalls(self._store, row.key))
        try:
            row.run = self._begin(row)
        except (Exception, SystemExit) as error:
            row.run = None
            return failure(error, row.attempts)
        await self._watch(row.run)
        return outcome_of(row.run, row.attempts)

    async def _watch(self, run: Run) -> None:
        """Start a run, and wait for its end. Being cancelled stops it."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        run.on_end(lambda: loop.call_soon_threadsafe(ended.set))
        try:
            run.start()
            await ended.wait()
        except asyncio.CancelledError:
            run.cancel()
            await ended.wait()

    async def _check_restored(self, row: Row) -> None:
        """Call the checks that are new or have changed since the row ended."""
        outcome = row.outcome
        if outcome is None or self._marks.items() <= outcome.scored_with.items():
            return
        try:
            events = await _in_store(partial(self._store.events, row.key))
        except StoreFault as fault:
            self._notice(f"row {row.name} gets no checks: {fault}")
            return
        run = Run(StoredEvents(events, row.name), name=row.name)
        await self._watch(run)
        await self._score(row, run, outcome)
        await self._put(row, outcome, events)

    async def _score(self, row: Row, run: Run, outcome: Outcome) -> None:
        """Call the checks of a row that it lacks. The value of one that raises is None."""
        for name, scorer in self._scorers.items():
            if outcome.scored_with.get(name) == self._marks[name]:
                continue
            try:
                value = await _called(scorer, row.item.value, run)
            except Exception as error:
                value = None
                self._notice(f"the check {name} failed: {type(error).__name__}: {error}")
            outcome.scores[name] = value
            outcome.scored_with[name] = self._marks[name]

    async def _keep(self, row: Row, outcome: Outcome) -> None:
        """Write a row to the store, and drop the runs that ended long ago."""
        events = [] if row.run is None else row.run.events
        is_kept = await self._put(row, outcome, events)
        if is_kept and row.run is not None:  # else its run stays in memory
            self._kept.append((row, row.run))
        if len(self._kept) > KEPT_RUNS:
            oldest, run = self._kept.popleft()
            if oldest.run is run:  # else it was run again
                oldest.run = None

    async def _put(self, row: Row, outcome: Outcome, events: Sequence[e.Event]) -> bool:
        """Write a row to the store. Return False, and note why, if that is not possible."""
        try:
            await _in_store(partial(self._store.put, row.key, outcome, events))
        except StoreFault as fault:
            self._notice(f"rows are not kept: {fault}")
            return False
        except (TypeError, ValueError) as error:
            self._notice(f"a row cannot be kept: {type(error).__name__}: {error}")
            return False
        return True

    def _changed(self) -> None:
        self.changes += 1
        self.on_change()

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)


class LoopGate:
    """A `RowGate` for requests that are sent on any loop.

    Args:
        gate: of the map.
        loop: that the gate is used on.
    """

    def __init__(self, gate: RowGate, loop: asyncio.AbstractEventLoop) -> None:
        self._gate = gate
        self._loop = loop

    async def admit(self) -> float:
        """Wait until a request may be sent, and return when that is."""
        if asyncio.get_running_loop() is self._loop:
            return await self._gate.admit()
        admitted = asyncio.run_coroutine_threadsafe(self._gate.admit(), self._loop)
        return await asyncio.wrap_future(admitted)

    def refused(self, sent_at: float, retry_after_s: float | None) -> None:
        """Note that the service has refused a request."""
        self._loop.call_soon_threadsafe(self._gate.refused, sent_at, retry_after_s)


async def _to_its_end(coro: Coroutine[Any, Any, None]) -> None:
    """Await some work, also where this is cancelled meanwhile."""
    task = asyncio.create_task(coro)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)


async def _in_store(operation: Callable[[], T]) -> T:
    """Return what a read or a write of the store gives, without holding the loop."""
    return await work.off_loop(operation, name="nbagent-rows")


async def _called(scorer: Scorer, value: Any, run: Run) -> Any:
    """Return what a check gives: a plain function is called in a thread."""
    if inspect.iscoroutinefunction(scorer):
        return await scorer(value, run)
    result = await work.off_loop(partial(scorer, value, run), name="nbagent-check")
    return await result if inspect.isawaitable(result) else result


def _is_refused(outcome: Outcome) -> bool:
    """Return True if a service refused a row by its rate limit before anything was done."""
    if outcome.status != "failed" or outcome.tools or outcome.answer:
        return False
    return "429" in f"{outcome.error_type} {outcome.error}" or outcome.error_type in _RATE_LIMITS


_RATE_LIMITS = frozenset({"RateLimitError", "rate_limit_exceeded", "rate_limit_error"})


def scorers_of(check: Any, scorers: Any) -> dict[str, Scorer]:
    """Return checks by name.

    Args:
        check: a function of an item and its run, named `check`; None for none.
        scorers: functions, by their own names, or a mapping of names to functions.

    Raises:
        NbagentError: one is no function.
    """
    named = dict(scorers) if isinstance(scorers, Mapping) else {}
    if not isinstance(scorers, Mapping):
        named = {getattr(each, "__name__", repr(each)): each for each in scorers}
    if check is not None:
        named = {"check": check, **named}
    for name, each in named.items():
        if not callable(each):
            raise NbagentError(f"a check is a function of (item, run); {name} is {each!r}")
    return named
