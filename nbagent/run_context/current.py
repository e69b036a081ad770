"""`CURRENT_RUN`: the run that is shown around the code that runs, also in other threads and on
other loops.
"""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Protocol

from msgspec.structs import replace as replace_struct

from nbagent import events as e
from nbagent.events.ids import with_id_prefix
from nbagent.run_context.breakpoints import Breakpoints
from nbagent.run_context.faults import Faults
from nbagent.run_context.http_exchange import HTTPExchange


class RunHost(Protocol):
    """A run as the code inside it sees it: an agent, a tool, a client. Safe from any thread.

    These are no methods that a user types, although `Run` has them, too.
    """

    @property
    def breakpoints(self) -> Breakpoints:
        """Points at which the run stops for its reader."""
        ...

    def report(self, events: Iterable[e.Event], *, last: bool = True) -> None:
        """Show events that are not in the run's stream, also after its end."""
        ...

    def record(self, exchange: HTTPExchange) -> bool:
        """Keep a request to a model. Return False if it is none; then nothing of it is kept."""
        ...

    def has_question(self, reply: e.Reply) -> bool:
        """Return True if the run has shown the question of a reply."""
        ...

    def open_calls(self, tool: str) -> list[str]:
        """Return the ids of the tool's calls that have no result yet, the oldest first."""
        ...

    @property
    def faults(self) -> tuple[Faults, ...]:
        """The faults that are injected into the run."""
        ...

    @property
    def masker(self) -> Callable[[str], str]:
        """Masks a text as the run's events are masked."""
        ...

    def begin_call(
        self, tool: str, fits: Callable[[Any], int], lane: str | None
    ) -> tuple[str, Any]:
        """Begin a call that its function reports; see `ReportedCalls.claim`."""
        ...

    def end_call(self, result: e.ToolResult) -> None:
        """Show the result of a call that its function reports."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class RunContext:
    """The run around the code, and the place in it.

    Attributes:
        run: the run.
        lane: id of the lane whose stream runs here; None if the run has none.
        stops: whether breakpoints of the run hold here. They do not where nobody would see the
            question.
        step: number of the model's response that is asked for here, from 1; None if the code does
            not say it.
        agent: name of the agent that asks for it; None if the code does not say it.
        inside: id of this agent, as the run's events have it, if it works inside a call; else None.
    """

    run: RunHost
    lane: str | None = None
    stops: bool = True
    step: int | None = None
    agent: str | None = None
    inside: str | None = None

    @property
    def breakpoints(self) -> Breakpoints | None:
        """The breakpoints that hold here."""
        return self.run.breakpoints if self.stops else None

    def in_lane(self, lane: str) -> "RunContext":
        """Return the context of a lane of the run, by the lane's id."""
        return replace(self, lane=lane)

    def report(self, *events: e.Event) -> None:
        """Show events in the run; their ids need to be unique in the lane only."""
        if self.lane is None:
            self.run.report(events)
        else:
            self.run.report([_in_lane(event, self.lane) for event in events])


def _in_lane(event: e.Event, lane: str) -> e.Event:
    event = with_id_prefix(event, lane)
    if event.parent_id is None:
        return replace_struct(event, parent_id=lane)
    return event


CURRENT_RUN: ContextVar[RunContext | None] = ContextVar("nbagent_run", default=None)
"""The run around the code; None outside of runs."""

_lock = threading.Lock()
_running: "weakref.WeakSet[RunHost]" = weakref.WeakSet()


def begin(run: RunHost) -> None:
    """Note that a run goes on, for code that does not have its context; see `run_around`."""
    with _lock:
        _running.add(run)


def end(run: RunHost) -> None:
    """Note that a run has ended."""
    with _lock:
        _running.discard(run)


def run_around(tool: str | None = None) -> RunContext | None:
    """Return the run around the caller; None if there is none, or if it is ambiguous.

    A framework may have started its work before `show`, or in threads without a context. Then it is
    the one run that goes on, or of several the one that has an open call of the tool.

    Args:
        tool: name of the tool that the caller is.
    """
    context = CURRENT_RUN.get()
    if context is not None:
        return context
    with _lock:
        running = list(_running)
    if len(running) > 1 and tool is not None:
        running = [run for run in running if run.open_calls(tool)]
    if len(running) != 1:
        return None
    return RunContext(run=running[0])


def run_of_call(tool: str) -> RunContext | None:
    """Return the run in which a tool is called; None outside of runs, or if it is ambiguous.

    A call without the context of a run belongs to the run that has an open call of the tool.
    Without one it belongs to the one run that goes on, but not on the main thread, where the
    reader's own cells call functions beside the run.
    """
    context = CURRENT_RUN.get()
    if context is not None:
        return context
    with _lock:
        running = list(_running)
    asked = [run for run in running if run.open_calls(tool)]
    if not asked and threading.current_thread() is not threading.main_thread():
        asked = running
    if len(asked) != 1:
        return None
    return RunContext(run=asked[0])


def is_watched() -> bool:
    """Return False if no run can be around the caller."""
    return bool(_running) or CURRENT_RUN.get() is not None


@contextmanager
def at_step(number: int, agent: str, inside: str | None) -> Iterator[None]:
    """Note that the code of a `with` block asks for a response of the model.

    Args:
        number: of the response within the agent's run, from 1.
        agent: its name.
        inside: its id, as the run's events have it, if it works inside a call; else None.
    """
    around = CURRENT_RUN.get()
    if around is not None:
        around = replace(around, step=number, agent=agent, inside=inside)
    token = CURRENT_RUN.set(around)
    try:
        yield
    finally:
        CURRENT_RUN.reset(token)


@contextmanager
def without_stops() -> Iterator[None]:
    """Make no breakpoints hold for the code of a `with` block."""
    around = CURRENT_RUN.get()
    if around is not None:
        around = replace(around, stops=False)
    token = CURRENT_RUN.set(around)
    try:
        yield
    finally:
        CURRENT_RUN.reset(token)
