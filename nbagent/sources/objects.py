"""Streams that are Python objects: async iterators, plain iterators, and what openai's client returns.

Where a stream is read decides what can stall it, so each kind has its place:

- a stream of ours (`OwnedStream`: the agent, a replay) on nbagent's own loop, which no cell blocks;
- a user's async iterator on the loop it was given on, since its connections and locks belong there;
- a plain iterator in a worker thread.

All of them read with the caller's context variables, and close the stream when reading ends, however it ends: a stream that is
cancelled closes its connection.
"""

import asyncio
import contextlib
import contextvars
import inspect
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

from nbagent.errors import Cancelled, UnknownSource
from nbagent.gate import secrets
from nbagent.runtime.loop import OwnedStream
from nbagent.runtime.loop import loop as own_loop
from nbagent.sources import calls

TURN = 0.02
"""Seconds that a stream which never waits may hold its loop."""


class Reader(Protocol):
    """Who reads a stream: hands on items in order, then says once how it ended."""

    loop: asyncio.AbstractEventLoop | None
    """The loop it reads on; None for a thread."""

    def start(self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]) -> None:
        """Begin to read. `on_end` gets None, the stream's own error, or `Cancelled`."""

    def cancel(self) -> None:
        """Stop reading and close the stream; from any thread, as often as you like."""


def reader_for(source: Any) -> Reader:
    """The reader that fits a stream.

    Args:
        source: an async iterable, an awaitable that gives one (`client.responses.create(…, stream=True)` not yet awaited), an
            async or plain context manager around one (`client.responses.stream(…)`), a run with `stream_events()`, an
            iterable, a string, or one whole response object.

    Raises:
        UnknownSource: it is none of these.
    """
    if callable(getattr(source, "stream_events", None)):  # a run of the OpenAI Agents SDK, or a workflow of LlamaIndex
        return TaskReader(_events_of(source), _running_loop() or own_loop())
    if isinstance(source, OwnedStream) and not source.stays:
        return TaskReader(source, own_loop())
    if _is_async(source):
        return TaskReader(source, _running_loop() or own_loop())
    if isinstance(source, str | dict) or hasattr(source, "model_dump"):
        return ThreadReader([source])  # one whole thing; iterating it would take it apart
    is_data = hasattr(source, "__array__") or hasattr(source, "__dataframe__") or isinstance(source, os.PathLike)
    if not is_data and (hasattr(source, "__iter__") or hasattr(source, "__enter__")):
        return ThreadReader(source)
    raise UnknownSource(
        f"show() needs a stream: an iterator, an async iterator or a response of one of the known systems; got "
        f"{type(source).__name__}.{_hint(source)}"
    )


def name_of(source: Any) -> str:
    """What to call a stream: its own name, if it has one; a generator has its function's."""
    for attribute in ("name", "__name__"):
        name = getattr(source, attribute, None)
        if isinstance(name, str) and name and not name.startswith(("<", "_")):  # what a framework calls it is its own affair
            return name
    return "stream"


def _is_async(source: Any) -> bool:
    """Whether it is read asynchronously. What CrewAI gives can be read both ways, of which one works."""
    if hasattr(source, "__iter__") and getattr(source, "_async_iterator", source) is None:
        return False
    return hasattr(source, "__aiter__") or inspect.isawaitable(source) or hasattr(source, "__aenter__")


async def _events_of(run: Any) -> AsyncIterator[Any]:
    """The events of a run, then the run itself where it knows more: what waits for approval. A run that is left early stops."""
    over = False
    try:
        async for event in run.stream_events():
            yield event
        over = True
        if getattr(run, "interruptions", None) is not None:
            yield run
    finally:
        # LlamaIndex has both, and what it calls `cancel` leaves its model at work
        stop = None if over else getattr(run, "cancel_run", None) or getattr(run, "cancel", None)
        stopping = stop() if callable(stop) else None
        if inspect.isawaitable(stopping):
            await stopping


def _hint(source: Any) -> str:
    """What the user may have meant."""
    if isinstance(source, os.PathLike):
        return " To play a recording, show nbagent.replay(path)."
    if callable(getattr(source, "stream", None)):
        return " Show what its stream(…) gives."
    return " Call the function, and show what it gives." if callable(source) else ""


class TaskReader:
    """Reads an async iterable in a task on a loop."""

    def __init__(self, source: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: asyncio.AbstractEventLoop | None = loop
        self._source = source
        self._home = loop
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False

    def start(self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]) -> None:
        """Begin to read."""
        context = contextvars.copy_context()

        def begin() -> None:
            task = self._home.create_task(self._read(on_item, on_end), name="nbagent-reader", context=context)
            # `_read` lets nothing out, so this is a task that its loop, closing down, cancelled before the first step.
            task.add_done_callback(lambda task: on_end(Cancelled()) if task.cancelled() else None)

        if self._home is _running_loop():
            begin()
        else:
            self._home.call_soon_threadsafe(begin)

    def cancel(self) -> None:
        """Cancel the task; the stream is closed in it."""
        if self._cancelled:
            return
        self._cancelled = True

        def stop() -> None:
            if self._task is not None:  # not before its first step: it would not close anything then; nor while it closes
                self._task.cancel()

        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing runs on it any more
            self._home.call_soon_threadsafe(stop)

    async def _read(self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]) -> None:
        error: BaseException | None = None
        source, self._source = self._source, None
        try:
            async with contextlib.AsyncExitStack() as stack:
                if self._cancelled:
                    stack.push_async_callback(_aclose, source)
                else:
                    await self._read_all(source, stack, on_item)
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            self._cancelled = True
        except BaseException as caught:
            error = caught  # also a SystemExit of the stream's: it ends this run, not the kernel
        on_end(Cancelled() if self._cancelled else calls.told(error))

    async def _read_all(self, source: Any, stack: contextlib.AsyncExitStack, on_item: Callable[[Any], None]) -> None:
        self._task = asyncio.current_task()
        try:
            pause = self._home.time() + TURN
            async for item in await _open_async(source, stack):
                on_item(item)
                if self._cancelled:  # a stream that never waits would never see the cancellation
                    break
                if self._home.time() > pause:  # nor let anything else run on its loop, such as the click that cancels it
                    await asyncio.sleep(0)
                    pause = self._home.time() + TURN
        finally:
            self._task = None  # what is being closed is not cancelled: httpx2's pool, for one, would keep the request for ever


async def _open_async(source: Any, stack: contextlib.AsyncExitStack) -> AsyncIterator[Any]:
    """The iterator inside `source`; `stack` closes what was opened on the way."""
    if inspect.isawaitable(source):
        source = await source
    if hasattr(source, "__aenter__") and not hasattr(source, "__anext__"):
        source = await stack.enter_async_context(source)
    secrets.register(*secrets.credentials_of(source))
    if not hasattr(source, "__aiter__"):
        if not hasattr(source, "__iter__") or hasattr(source, "model_dump"):
            source = [source]
        return _over(source)
    iterator: AsyncIterator[Any] = aiter(source)
    for closable in (source, iterator) if iterator is not source else (source,):
        stack.push_async_callback(_aclose, closable)
    return iterator


async def _over(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def _aclose(stream: Any) -> None:
    """Close a stream by whichever name its kind has for it."""
    close = getattr(stream, "aclose", None) or getattr(stream, "close", None) or _canceller(stream)
    if callable(close):
        closing = close()
        if inspect.isawaitable(closing):
            await closing


class ThreadReader:
    """Reads a plain iterable in a thread of its own, with the caller's context."""

    def __init__(self, source: Any) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._source = source
        self._cancelled = threading.Event()

    def start(self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]) -> None:
        """Begin to read."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._read, on_item, on_end), name="nbagent-reader", daemon=True).start()

    def cancel(self) -> None:
        """Stop after the item that is being waited for; a stream over a socket stops waiting at once."""
        self._cancelled.set()
        _hang_up(self._source)

    def _read(self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]) -> None:
        error: BaseException | None = None
        try:
            with contextlib.ExitStack() as stack:
                self._read_all(stack, on_item)
        except BaseException as caught:
            error = caught
        self._source = None
        on_end(Cancelled() if self._cancelled.is_set() else calls.told(error))

    def _read_all(self, stack: contextlib.ExitStack, on_item: Callable[[Any], None]) -> None:
        source = self._source
        if self._cancelled.is_set():
            _close(source)
            return
        if hasattr(source, "__enter__") and not hasattr(source, "__next__"):
            self._source = source = stack.enter_context(source)
        secrets.register(*secrets.credentials_of(source))
        iterator = iter(source)
        stack.callback(_close, iterator)
        if iterator is not source and not isinstance(source, list | tuple):
            stack.callback(_close, source)
        # Cancelled while the stream was opened: either this sees it, or `cancel` saw the stream and hung up.
        for item in () if self._cancelled.is_set() else iterator:
            if self._cancelled.is_set():
                break
            on_item(item)


def _close(stream: Any) -> None:
    close = getattr(stream, "close", None) or _canceller(stream)
    if callable(close):
        close()


def _canceller(stream: Any) -> Any:
    """What ends a gRPC call; None for other streams, where `cancel` may mean more than to stop listening."""
    return stream.cancel if calls.is_call(stream) else None


def _hang_up(stream: Any) -> None:
    """Wake a thread that waits for bytes of an HTTP response.

    Closing a socket under a reader does not wake it on Linux; shutting it down does. httpx2 hands out the socket through the
    response's documented `network_stream` extension. A gRPC call wakes whoever waits for it.
    """
    if calls.is_call(stream):
        stream.cancel()
        return
    with contextlib.suppress(Exception):  # closed already, or something else that has a `response`
        sock = stream.response.extensions["network_stream"].get_extra_info("socket")
        if isinstance(sock, socket.socket):
            sock.shutdown(socket.SHUT_RDWR)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
