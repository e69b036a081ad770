"""Following a run's events: from the first one that is kept, then live; on any loop, or without one."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, get_args

from nbagent import events as e
from nbagent.events.log import EventLog
from nbagent.runtime import kernel, loop
from nbagent.runtime.interrupt import watch

T = TypeVar("T")


def types_named(types: str | Iterable[str] | None) -> frozenset[str] | None:
    """The types of events by their tags, or by one; None is all of them.

    Raises:
        ValueError: there is no such type; the message names those that there are.
    """
    if types is None:
        return None
    named = frozenset([types] if isinstance(types, str) else types)
    known = [str(kind.__struct_config__.tag) for kind in get_args(e.Event)]
    if wrong := sorted(named.difference(known)):
        raise ValueError(f"There is no type of event called {', '.join(wrong)}; there are {', '.join(known)}")
    return named


class Following(Generic[T]):
    """What comes of a run, for `async for`, or for a plain `for` that blocks in between.

    Each iteration begins anew. Leaving one early leaves the run alone; interrupting the cell that it is in stops the run.

    Args:
        batches: opens an iteration: what comes, as much at a time as there is.
        home: the loop that the run's stream is read on, None for a thread.
        stop: stops the run.
    """

    def __init__(
        self,
        batches: Callable[[], AsyncGenerator[Sequence[T]]],
        home: Callable[[], asyncio.AbstractEventLoop | None],
        stop: Callable[[], object],
    ) -> None:
        self._batches = batches
        self._home = home
        self._stop = stop
        self._first: AsyncIterator[T] | None = None

    async def __anext__(self) -> T:
        """The next item, for those who take one at a time."""
        self._first = self._first or aiter(self)
        return await anext(self._first)

    def __aiter__(self) -> AsyncGenerator[T]:
        return _items(self._batches)  # which knows nothing of `self`, that knows it: what is dropped is closed at once then

    def __iter__(self) -> Iterator[T]:
        wait = self._waiting()
        steps = _Steps(self._batches())
        try:
            while (batch := wait(steps.next())) is not None:
                yield from batch
        except KeyboardInterrupt:
            self._stop()
            raise
        finally:
            wait(steps.close())

    def _waiting(self) -> Callable[[Coroutine[None, None, Sequence[T] | None]], Sequence[T] | None]:
        """How to wait here: on the loop that is blocked, where the stream is read on it, else on nbagent's own."""
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        begin: Callable[[Coroutine[None, None, Any]], Any] = loop.submit
        settle: Callable[[Any], Any] = _settled
        if here is not None and (self._home() is here or loop.is_current()):
            begin, settle = here.create_task, loop.nested(here)

        def wait(coming: Coroutine[None, None, Sequence[T] | None]) -> Sequence[T] | None:
            waiting = begin(coming)
            try:
                got: Sequence[T] | None = settle(waiting)
            except KeyboardInterrupt:
                waiting.cancel()  # or what it waits in could not be closed
                raise
            return got

        return wait


async def _items(open_batches: Callable[[], AsyncGenerator[Sequence[T]]]) -> AsyncGenerator[T]:
    async with contextlib.aclosing(open_batches()) as batches:
        async for batch in batches:
            for item in batch:
                yield item


def _settled(waiting: concurrent.futures.Future[Any]) -> Any:
    kernel.wait(waiting)
    return waiting.result()


class _Steps(Generic[T]):
    """An iteration that is moved on from outside of its loop, one step after another: also where a step is being cancelled."""

    def __init__(self, batches: AsyncGenerator[Sequence[T]]) -> None:
        self._batches = batches
        self._lock = asyncio.Lock()

    async def next(self) -> Sequence[T] | None:
        async with self._lock:
            return await anext(self._batches, None)

    async def close(self) -> None:
        async with self._lock:
            await self._batches.aclose()


class Followers:
    """Those who iterate over one run's events, each at a pace of its own.

    Args:
        events: where they find the events.
        lock: guards the log; `wake` is called with it held.
        stop: called when a cell that follows is interrupted.
    """

    def __init__(self, events: EventLog, lock: threading.RLock, stop: Callable[[], object]) -> None:
        self._events = events
        self._lock = lock
        self._stop = stop
        self._over = False
        self._followers: list[_Follower] = []

    def wake(self, *, over: bool = False) -> None:
        """There is something new, or, when all is `over`, there will be nothing more."""
        self._over = self._over or over
        for follower in self._followers:
            follower.wake()

    async def batches(self, types: frozenset[str] | None = None) -> AsyncGenerator[list[e.Event]]:
        """The events of those types (None: all), from the beginning until all is over, as many at a time as there are.

        Who falls behind by more than is kept gets a `status` that says how many events are missing.
        """
        home = asyncio.get_running_loop()
        follower = _Follower(home)
        with self._lock:
            self._followers.append(follower)
            follower.ready.set()
        seen = 0
        with watch(home, self._stop) as interrupted:
            try:
                while True:
                    await follower.ready.wait()
                    follower.ready.clear()
                    with self._lock:
                        follower.awake = False
                        missed = self._events.count - seen
                        fresh = self._events.newest(missed)
                        missed -= len(fresh)
                        seen, over = self._events.count, self._over
                    if types is not None:
                        fresh = [event for event in fresh if e.type_of(event) in types]
                    if missed:
                        fresh.insert(0, e.Status(message=f"{missed:,} events were gone before they were read", level="warning"))
                    if fresh:
                        yield fresh
                    if over:
                        return
            except (asyncio.CancelledError, GeneratorExit):
                if interrupted():
                    self._stop()
                raise
            finally:
                with self._lock:
                    self._followers.remove(follower)


class _Follower:
    """One of them, on a loop."""

    def __init__(self, home: asyncio.AbstractEventLoop) -> None:
        self.ready = asyncio.Event()
        self.awake = False
        self._home = home

    def wake(self) -> None:
        if not self.awake:
            self.awake = True
            with contextlib.suppress(RuntimeError):  # its loop is closed
                self._home.call_soon_threadsafe(self.ready.set)
