"""Iteration over a run's events: from the first one that is kept, then live; on any event loop, or
without one.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Generic, TypeVar

from nbagent import events as e
from nbagent.events.log import EventLog
from nbagent.runtime import kernel, loop
from nbagent.runtime.interrupt import watch_interrupts
from nbagent.sources.info import SourceInfo

T = TypeVar("T")


class EventIterator(Generic[T]):
    """The items of a run, for `async for`, or for a plain `for` that blocks between two items.

    Each loop begins with the first item. Leaving a loop early leaves the run alone; interrupting
    the cell stops the run.

    Args:
        batches: opens an iteration, which yields at each step as many items as there are.
        home: returns the loop that the run's stream is read on; None for a thread.
        stop: stops the run.
        name: of the run.

    Attributes:
        name: of the run; where it is shown again, this is its name there too.
        info: a run that shows these events keeps their times.
    """

    info = SourceInfo(keeps_times=True)

    def __init__(
        self,
        batches: Callable[[], AsyncGenerator[Sequence[T]]],
        home: Callable[[], asyncio.AbstractEventLoop | None],
        stop: Callable[[], object],
        name: str = "run",
    ) -> None:
        self.name = name
        self._batches = batches
        self._home = home
        self._stop = stop
        self._first: AsyncIterator[T] | None = None

    def batches(self) -> AsyncGenerator[Sequence[T]]:
        """Iterate over the items too, each time over as many as there are."""
        return self._batches()

    async def __anext__(self) -> T:
        """Return the next item, for code that takes one at a time with `anext()`."""
        self._first = self._first or aiter(self)
        return await anext(self._first)

    def __aiter__(self) -> AsyncGenerator[T]:
        # A plain function, so that the generator holds no reference to `self`: no cycle, and a
        # dropped iterator is finalised at once, on its own loop.
        return _items(self._batches)

    def __iter__(self) -> Iterator[T]:
        wait = self._waiter()
        steps = _StepDriver(self._batches())
        try:
            while (batch := wait(steps.next())) is not None:
                yield from batch
        except KeyboardInterrupt:
            self._stop()
            raise
        finally:
            wait(steps.close())

    def _waiter(self) -> Callable[[Coroutine[None, None, Sequence[T] | None]], Sequence[T] | None]:
        """Return a function that blocks until a coroutine is done.

        The coroutine runs on nbagent's own loop; on the loop that is blocked here, from within, if
        that reads the stream.
        """
        here = loop.running_loop()
        begin: Callable[[Coroutine[None, None, Any]], Any] = loop.submit
        finish: Callable[[Any], Any] = _blocking_result
        if here is not None and (self._home() is here or loop.is_current()):
            begin, finish = here.create_task, loop.nested(here)

        def wait(step: Coroutine[None, None, Sequence[T] | None]) -> Sequence[T] | None:
            running = begin(step)
            try:
                batch: Sequence[T] | None = finish(running)
            except KeyboardInterrupt:
                # or the generator, which is suspended inside it, could not be closed
                running.cancel()
                raise
            return batch

        return wait


async def _items(open_batches: Callable[[], AsyncGenerator[Sequence[T]]]) -> AsyncGenerator[T]:
    async with contextlib.aclosing(open_batches()) as batches:
        async for batch in batches:
            for item in batch:
                yield item


def _blocking_result(future: concurrent.futures.Future[Any]) -> Any:
    kernel.wait(future)
    return future.result()


class _StepDriver(Generic[T]):
    """Drives an async generator from outside of its loop.

    A step begins when the previous one is over, even a cancelled one.
    """

    def __init__(self, batches: AsyncGenerator[Sequence[T]]) -> None:
        self._batches = batches
        self._lock = asyncio.Lock()

    async def next(self) -> Sequence[T] | None:
        async with self._lock:
            return await anext(self._batches, None)

    async def close(self) -> None:
        async with self._lock:
            await self._batches.aclose()


class SubscriberSet:
    """The iterations over one run's events, each at its own pace.

    Args:
        events: the log that they read.
        lock: guards the log. `wake` is called with it held.
        stop: stops the run; called when a cell that iterates is interrupted.
        bring_up_to_date: adds what waits to the log; called with the lock held.
    """

    def __init__(
        self,
        events: EventLog,
        lock: threading.RLock,
        stop: Callable[[], object],
        bring_up_to_date: Callable[[], object] = lambda: None,
    ) -> None:
        self._events = events
        self._lock = lock
        self._stop = stop
        self._bring_up_to_date = bring_up_to_date
        self._over = False
        self._subscribers: list[_Subscriber] = []

    def __bool__(self) -> bool:
        return bool(self._subscribers)

    def wake(self, *, over: bool = False) -> None:
        """Wake the iterations: there are new events, or, if `over`, there will be no more."""
        self._over = self._over or over
        for subscriber in self._subscribers:
            subscriber.wake()

    async def more_than(self, count: int) -> None:
        """Wait until there have been more than `count` events, or there will be no more."""
        subscriber = _Subscriber(asyncio.get_running_loop())
        with self._lock:
            self._bring_up_to_date()
            if self._over or self._events.count > count:
                return
            self._subscribers.append(subscriber)
        try:
            await subscriber.ready.wait()
        finally:
            with self._lock:
                self._subscribers.remove(subscriber)

    async def batches(self, types: frozenset[str] | None = None) -> AsyncGenerator[list[e.Event]]:
        """Yield the events of those types (None: all) from the beginning to the end, as many at a
        time as there are.

        An iteration that falls behind by more than is kept gets a `status` event with the number of
        events that it has missed.
        """
        home = asyncio.get_running_loop()
        subscriber = _Subscriber(home)
        with self._lock:
            self._bring_up_to_date()
            self._subscribers.append(subscriber)
            subscriber.ready.set()
        seen = 0
        with watch_interrupts(home, self._stop) as interrupted:
            try:
                while True:
                    await subscriber.ready.wait()
                    subscriber.ready.clear()
                    with self._lock:
                        subscriber.awake = False
                        missed = self._events.count - seen
                        fresh = self._events.newest(missed)
                        missed -= len(fresh)
                        seen, over = self._events.count, self._over
                    if types is not None:
                        fresh = [event for event in fresh if event.type in types]
                    if missed:
                        fresh.insert(
                            0,
                            e.Status(
                                message=f"{missed:,} events were gone before they were read",
                                level="warning",
                            ),
                        )
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
                    self._subscribers.remove(subscriber)


class _Subscriber:
    """Iteration that waits on a loop for new events."""

    def __init__(self, home: asyncio.AbstractEventLoop) -> None:
        self.ready = asyncio.Event()
        self.awake = False
        self._home = home

    def wake(self) -> None:
        if not self.awake:
            self.awake = True
            if loop.running_loop() is self._home:
                # without a write to the socket that wakes a loop from another thread
                self.ready.set()
                return
            with contextlib.suppress(RuntimeError):  # its loop is closed
                self._home.call_soon_threadsafe(self.ready.set)
