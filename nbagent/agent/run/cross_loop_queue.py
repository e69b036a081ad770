"""A bounded queue, filled by a task on nbagent's loop and read from any event loop or thread.

Queues such as those of janus and culsans wait inside of `get`, as a coroutine or a thread. A source
is asked by whoever reads it: it gets a future, and waits for that in its own way.
"""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeAlias, TypeVar

from nbagent.mime.text import MASK
from nbagent.run_context import CURRENT_RUN
from nbagent.run_context.faults import FAULTS
from nbagent.runtime.loop import loop

T = TypeVar("T")
Put: TypeAlias = Callable[[T], Awaitable[None]]

MAX_WAITING_ITEMS = 256
"""Items that may wait to be read.

With more than that the producer waits, and so does the server that it reads from.
"""


class CrossLoopQueue(Generic[T]):
    """A bounded queue and the task that fills it.

    The task starts at the first `take`, in a copy of the context in which the queue was made.

    Args:
        produce: coroutine function, called with `put`; the items end when it returns. `stop` raises
            `CancelledError` in it, once. It may still put some last items then, which does not
            wait.

    Attributes:
        stopping: whether `stop` was called.
    """

    def __init__(self, produce: Callable[[Put[T]], Coroutine[Any, Any, None]]) -> None:
        self._produce: Callable[[Put[T]], Coroutine[Any, Any, None]] | None = produce
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._items: deque[T] = deque()
        self._readers: list[concurrent.futures.Future[None]] = []
        self._writers: list[asyncio.Future[None]] = []
        self._finished: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopping: bool = False
        self._task: asyncio.Task[None] | None = None
        self._running = False

    def take(self) -> T | concurrent.futures.Future[None] | None:
        """Return the next item, a future to wait for before the next call, or None after the last
        item.
        """
        self._start()
        with self._lock:
            if self._items:
                item = self._items.popleft()
                if self._writers and len(self._items) <= MAX_WAITING_ITEMS // 2:
                    self._on_loop(self._release)
                return item
            if self._finished.done():
                return None
            waiter: concurrent.futures.Future[None] = concurrent.futures.Future()
            self._readers.append(waiter)
            return waiter

    def take_all(self) -> list[T]:
        """Return the items that wait to be read; they are taken."""
        with self._lock:
            items = list(self._items)
            self._items.clear()
        self._on_loop(self._release)
        return items

    def stop(self) -> None:
        """Stop the producer, from any thread.

        May be called more than once, and from a finalizer: it takes no lock.
        """
        self.stopping = True
        self._on_loop(self._cancel)

    async def stopped(self) -> None:
        """Wait until the producer has cleaned up, if it was started."""
        if self._loop is not None:
            await asyncio.shield(asyncio.wrap_future(self._finished))

    def _start(self) -> None:
        with self._lock:
            if self._loop is not None:
                return
            self._loop = loop()
            inherited: tuple[contextvars.ContextVar[Any], ...] = (MASK, CURRENT_RUN, FAULTS)
            for each in inherited:
                # Variables of the run that reads, not of the cell that made the stream.
                self._context.run(each.set, each.get())
        self._on_loop(self._begin)

    def _on_loop(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and its tasks are gone
                self._loop.call_soon_threadsafe(call)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(
            self._main(), name="nbagent-agent", context=self._context
        )

    def _cancel(self) -> None:
        if self._running and self._task is not None:
            self._running = (
                False  # a second cancellation would interrupt the clean-up after the first
            )
            self._task.cancel()
            self._release()

    async def _main(self) -> None:
        self._running = True
        if self.stopping:
            self._cancel()  # stopped before it began: raised at its first await
        # it refers to this object: end the cycle, so that both are freed at once
        produce, self._produce = (
            self._produce,
            None,
        )
        assert produce is not None
        try:
            await produce(self._put)
        finally:
            self._running = False
            self._task = None
            with self._lock:
                self._finished.set_result(None)
                readers, self._readers = self._readers, []
            _wake(readers)

    async def _put(self, item: T) -> None:
        with self._lock:
            self._items.append(item)
            readers, self._readers = self._readers, []
        _wake(readers)
        while len(self._items) > MAX_WAITING_ITEMS and not self.stopping:
            space = asyncio.get_running_loop().create_future()
            with self._lock:
                self._writers.append(space)
                if len(self._items) <= MAX_WAITING_ITEMS // 2:
                    # A reader made space before this writer was in the list.
                    break
            await space

    def _release(self) -> None:
        with self._lock:
            writers, self._writers = self._writers, []
        for space in writers:
            if not space.done():
                space.set_result(None)


def _wake(readers: list[concurrent.futures.Future[None]]) -> None:
    for reader in readers:
        if reader.set_running_or_notify_cancel():
            reader.set_result(None)
