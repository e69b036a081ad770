"""Readers of async iterables, and of what leads to one: an awaitable, a context manager, a run."""

import asyncio
import contextlib
import contextvars
import inspect
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from nbagent.errors import Cancelled
from nbagent.gate import secrets
from nbagent.runtime.loop import MAX_SLICE_S, OwnedStream, running_loop
from nbagent.sources.ag2_chat import stream_of_chat
from nbagent.sources.closing import aclose
from nbagent.sources.following import with_json_items
from nbagent.sources.reader import end_of
from nbagent.sources.stream import ServiceStream

CANCEL_AGAIN_S = 2.0
"""Seconds after which a stream that was cancelled, and is not closed yet, is cancelled once
more.
"""


class TaskReader:
    """Reads an async iterable in a task on a loop.

    Args:
        source: the iterable, or what leads to one.
        loop: the loop.
        typed: whether the items of the openai SDK are objects; if not they are JSON.
    """

    def __init__(
        self, source: Any, loop: asyncio.AbstractEventLoop, *, typed: bool = False
    ) -> None:
        self.loop: asyncio.AbstractEventLoop | None = loop
        self._source = source
        self._typed = typed
        self.has_idle_timeout = isinstance(source, ServiceStream)
        self._home = loop
        self._task: asyncio.Task[None] | None = None
        self._reads = False
        self._cancelled = False

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read."""
        context = contextvars.copy_context()

        def on_done(task: asyncio.Task[None]) -> None:
            # `_read` raises nothing, so a cancelled task is one that its loop, closing, cancelled
            # before the first step.
            if task.cancelled():
                on_end(Cancelled())

        def begin() -> None:
            self._task = self._home.create_task(
                self._read(on_item, on_end), name="nbagent-reader", context=context
            )
            self._task.add_done_callback(on_done)

        if self._home is running_loop():
            begin()
        else:
            self._home.call_soon_threadsafe(begin)

    def cancel(self) -> None:
        """Cancel the task, which then closes the stream."""
        if self._cancelled:
            return
        self._cancelled = True

        def stop() -> None:
            if self._task is None or self._task.done():
                return
            # not before the task's first step, when it would close nothing, and not while it closes
            if self._reads:
                self._task.cancel()
            # Python 3.11's `wait_for` may lose a cancellation (gh-86296). LangChain reads each
            # chunk of OpenAI's in one.
            again = self._home.call_later(CANCEL_AGAIN_S, self._task.cancel)
            self._task.add_done_callback(lambda _: again.cancel())

        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._home.call_soon_threadsafe(stop)

    async def _read(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        error: BaseException | None = None
        source, self._source = self._source, None
        try:
            async with contextlib.AsyncExitStack() as stack:
                if self._cancelled:
                    stack.push_async_callback(aclose, source)
                else:
                    await self._read_all(source, stack, on_item)
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            self._cancelled = True
        except BaseException as caught:
            error = caught  # even SystemExit: it ends this run, not the kernel
        on_end(end_of(error, is_cancelled=self._cancelled))

    async def _read_all(
        self, source: Any, stack: contextlib.AsyncExitStack, on_item: Callable[[Any], None]
    ) -> None:
        self._reads = True
        try:
            pause = self._home.time() + MAX_SLICE_S
            async for item in await _open_async(source, stack, typed=self._typed):
                on_item(item)
                if self._cancelled:  # a stream that never waits would not see the cancellation
                    break
                if self._home.time() > pause:
                    # Nor let the loop run anything else, such as a click that cancels it.
                    await asyncio.sleep(0)
                    pause = self._home.time() + MAX_SLICE_S
        finally:
            # closing is not cancelled at once: httpx2's pool, for one, would keep the request for
            # ever
            self._reads = False
            if self._cancelled and isinstance(source, OwnedStream):
                # A tool that cancels its own run does so before the reader has its start.
                for item in source.received():
                    on_item(item)


async def _open_async(
    source: Any, stack: contextlib.AsyncExitStack, *, typed: bool
) -> AsyncIterator[Any]:
    """Return an iterator over `source`; `stack` closes everything that was opened for it."""
    if inspect.isawaitable(source) and not isinstance(source, OwnedStream):
        source = stream_of_chat(await source)
        if callable(getattr(source, "stream_events", None)):
            source = events_of(source)
    if hasattr(source, "__aenter__") and not hasattr(source, "__anext__"):
        source = await stack.enter_async_context(source)
    secrets.register(*secrets.credentials_of(source))
    if not hasattr(source, "__aiter__"):
        is_item = isinstance(source, (str, dict)) or hasattr(source, "model_dump")
        if is_item or not hasattr(source, "__iter__"):
            source = [source]
        return as_async(source)
    if not typed:
        with_json_items(source)
    iterator: AsyncIterator[Any] = aiter(source)
    stack.push_async_callback(aclose, source)
    if iterator is not source:
        stack.push_async_callback(aclose, iterator)
    return iterator


async def as_async(items: Iterable[Any]) -> AsyncIterator[Any]:
    """Yield the items of a plain iterable."""
    for item in items:
        yield item


async def events_of(run: Any) -> AsyncIterator[Any]:
    """Yield the events of a run, then the run itself if it knows of approvals to wait for.

    Leaving early stops the run.
    """
    over = False
    try:
        async for event in run.stream_events():
            yield event
        over = True
        if getattr(run, "interruptions", None) is not None:
            yield run
    finally:
        if not over:
            await _stop(run)


async def _stop(run: Any) -> None:
    # LlamaIndex has both, and its `cancel` leaves the model at work.
    stop = getattr(run, "cancel_run", None) or getattr(run, "cancel", None)
    if not callable(stop):
        return
    stopping = stop()
    if inspect.isawaitable(stopping):
        await stopping
