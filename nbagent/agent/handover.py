"""Hands items from a coroutine on nbagent's loop to whoever reads them: any other loop, that loop itself, or plain code."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeAlias, TypeVar

from nbagent.runtime.loop import loop

T = TypeVar("T")
Put: TypeAlias = Callable[[T], Awaitable[None]]

LIMIT = 256
"""Items that may wait to be read; then the producer waits, and with it the server at the other end of its connection."""


class Handover(Generic[T]):
    """A bounded queue and the task that fills it.

    The task starts with the first `take`, with the context variables of the code that made the handover.

    Args:
        produce: called with `put`; it ends the items by returning. When it is stopped it sees `CancelledError` once, and may
            put a few last items, for which it no longer waits.

    Attributes:
        stopping: whether it was stopped.
    """

    def __init__(self, produce: Callable[[Put[T]], Coroutine[Any, Any, None]]) -> None:
        self._produce: Callable[[Put[T]], Coroutine[Any, Any, None]] | None = produce
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()
        self._items: deque[T] = deque()
        self._readers: list[concurrent.futures.Future[None]] = []
        self._writers: list[asyncio.Future[None]] = []
        self._finished: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._home: asyncio.AbstractEventLoop | None = None
        self.stopping: bool = False
        self._task: asyncio.Task[None] | None = None
        self._running = False

    def take(self) -> T | concurrent.futures.Future[None] | None:
        """The next item; or a future to wait for before taking again; or None after the last one."""
        self._start()
        with self._lock:
            if self._items:
                item = self._items.popleft()
                if self._writers and len(self._items) <= LIMIT // 2:
                    self._on_loop(self._release)
                return item
            if self._finished.done():
                return None
            waiter: concurrent.futures.Future[None] = concurrent.futures.Future()
            self._readers.append(waiter)
            return waiter

    def stop(self) -> None:
        """Stops the producer; from any thread, also from a finalizer (so it takes no lock), as often as you like."""
        self.stopping = True
        self._on_loop(self._cancel)

    async def stopped(self) -> None:
        """Waits until the producer has cleaned up, if it ever began."""
        if self._home is not None:
            await asyncio.shield(asyncio.wrap_future(self._finished))

    def _start(self) -> None:
        with self._lock:
            if self._home is not None:
                return
            self._home = loop()
        self._on_loop(self._begin)

    def _on_loop(self, call: Callable[[], None]) -> None:
        if self._home is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and the task gone with it
                self._home.call_soon_threadsafe(call)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._main(), name="nbagent-agent", context=self._context)

    def _cancel(self) -> None:
        if self._running and self._task is not None:
            self._running = False  # one cancellation only: a second one would break the clean-up after the first
            self._task.cancel()
            self._release()

    async def _main(self) -> None:
        self._running = True
        if self.stopping:
            self._cancel()  # stopped before it began: it sees so at its first wait
        produce, self._produce = self._produce, None  # it refers to this object too: let both go as soon as it is done
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
        while len(self._items) > LIMIT and not self.stopping:
            room = asyncio.get_running_loop().create_future()
            with self._lock:
                self._writers.append(room)
                if len(self._items) <= LIMIT // 2:  # read meanwhile, by someone who saw nobody waiting
                    break
            await room

    def _release(self) -> None:
        with self._lock:
            writers, self._writers = self._writers, []
        for room in writers:
            if not room.done():
                room.set_result(None)


def _wake(readers: list[concurrent.futures.Future[None]]) -> None:
    for reader in readers:
        if reader.set_running_or_notify_cancel():
            reader.set_result(None)
