"""Reader of what a function returns: the whole answer, or a stream."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from nbagent.errors import Cancelled, UnknownSource
from nbagent.runtime import work
from nbagent.sources.objects import reader_for
from nbagent.sources.reader import Reader
from nbagent.sources.thread_reader import ThreadReader


class AnswerReader:
    """Calls a function in a thread, and reads what it returns.

    Args:
        ask: returns a text, a response object, a stream of any kind, or an awaitable that gives one
            of these: it may be an `async def`, or return `agent.generate(…)` or `agent.stream(…)`.
        loop: that awaitables and asynchronous streams are read on, unless they are nbagent's own.
    """

    has_idle_timeout = False

    def __init__(self, ask: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.loop: asyncio.AbstractEventLoop | None = loop
        self._ask = ask
        self._lock = threading.Lock()
        self._reader: Reader | None = None  # None until the function has returned
        self._cancelled = threading.Event()

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read."""
        work.start(partial(self._read, on_item, on_end), name="nbagent-reader")

    def cancel(self) -> None:
        """Stop reading. A function that has not returned goes on, and what it returns is closed."""
        with self._lock:
            self._cancelled.set()
            reader = self._reader
        if reader is not None:
            reader.cancel()

    def _read(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        if self._cancelled.is_set():
            on_end(Cancelled())
            return
        try:
            answer = self._ask()
            try:
                reader = reader_for(answer, self.loop)
            except UnknownSource:
                reader = ThreadReader([answer])  # an object of a system without iteration
        except BaseException as error:
            on_end(error)
            return
        with self._lock:
            self._reader = reader
        if self._cancelled.is_set():
            reader.cancel()
        reader.start(on_item, on_end)
