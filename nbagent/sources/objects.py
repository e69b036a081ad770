"""Readers of streams that are Python objects: async iterators, plain iterators, and the responses
of openai's client.

The place where a stream is read decides what can stall it:

- an `OwnedStream` (the agent, a replay, an address) is read on nbagent's own loop, which no cell
  blocks;
- a user's async iterator on the loop on which `show` was called, since its connections and locks
  belong there;
- a plain iterator in a worker thread.

All readers use the caller's context variables, and close the stream when reading ends, however it
ends: cancelling a stream closes its connection.
"""

import asyncio
import contextlib
import contextvars
import inspect
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any, Protocol

from nbagent.errors import Cancelled, UnknownSource
from nbagent.gate import secrets
from nbagent.runtime import work
from nbagent.runtime.loop import MAX_SLICE_S, OwnedStream, running_loop
from nbagent.runtime.loop import loop as own_loop
from nbagent.sources.broken import connection_error
from nbagent.sources.calls import is_call, service_error
from nbagent.sources.closing import aclose, close
from nbagent.sources.hints import (
    FINAL_RESULTS,
    hint_for,
    meaning_of,
    messages_refusal,
    text_refusal,
    type_name,
)
from nbagent.sources.langchain_stop import stop_models_when
from nbagent.sources.stream import ServiceStream

CANCEL_AGAIN_S = 2.0
"""Seconds after which a stream that was cancelled, and is not closed yet, is cancelled once
more.
"""

_OF_STREAMS = ("__next__", "__anext__", "__aiter__", "__enter__", "__aenter__", "stream_events")
"""Methods of which a stream has one, and an item none."""


class Reader(Protocol):
    """Reads a stream: hands on its items in order, then reports once how it ended."""

    loop: asyncio.AbstractEventLoop | None
    """The loop that it reads on; None for a thread."""

    @property
    def has_idle_timeout(self) -> bool:
        """True if the stream that is being read fails by itself when it has been silent for too
        long.
        """
        ...

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read.

        `on_end` is called once, with None, the stream's own error, or `Cancelled`.
        """

    def cancel(self) -> None:
        """Stop reading and close the stream. Safe to call from any thread, and more than once."""


def reader_for(source: Any, loop: asyncio.AbstractEventLoop | None = None) -> Reader:
    """Return a reader for a stream.

    Args:
        source: an async iterable, an awaitable that gives one (`client.responses.create(…,
            stream=True)` not yet awaited), an async or plain context manager around one
            (`client.responses.stream(…)`), a run with `stream_events()`, an iterable, a string, or
            one whole response object.
        loop: that an asynchronous stream is read on, if it is not nbagent's own; by default the one
            that runs here.

    Raises:
        UnknownSource: it is none of these.
    """
    if _is_graph(source):
        raise _no_stream(source)
    if callable(getattr(source, "stream_events", None)):
        # A run of the OpenAI Agents SDK, or a workflow of LlamaIndex.
        return TaskReader(_events_of(source), _home(loop))
    if isinstance(source, OwnedStream) and not source.stays:
        return TaskReader(source, own_loop())
    if _is_async(source):
        return TaskReader(source, _home(loop))
    if isinstance(source, str) and meaning_of(source):
        raise UnknownSource(text_refusal(source))  # shown, it would look like an answer
    if refusal := messages_refusal(source):
        raise UnknownSource(refusal)
    if _is_whole(source):
        return ThreadReader([source])  # one item, whose iterator would give its fields
    if not _is_iterable(source):
        raise _no_stream(source)
    if work.in_page():
        return TaskReader(_as_async(source), own_loop())
    return ThreadReader(source)


def _home(loop: asyncio.AbstractEventLoop | None) -> asyncio.AbstractEventLoop:
    """Return the loop that an asynchronous stream is read on."""
    return loop or running_loop() or own_loop()


def _is_whole(source: Any) -> bool:
    """Return True for a text or a whole response."""
    is_plain = isinstance(source, str | dict) or hasattr(source, "model_dump")
    return is_plain or type_name(source) in FINAL_RESULTS


def _is_iterable(source: Any) -> bool:
    """Return True if the source is read item by item; not for a path or a table."""
    if isinstance(source, os.PathLike):
        return False
    if hasattr(source, "__array__") or hasattr(source, "__dataframe__"):
        return False
    return hasattr(source, "__iter__") or hasattr(source, "__enter__")


def is_stream(value: Any) -> bool:
    """Return True for an object that is read, such as an iterator, rather than for an item of a
    stream.

    Items have fields, and some iterate over them; none is an iterator.
    """
    return inspect.isawaitable(value) or any(hasattr(type(value), name) for name in _OF_STREAMS)


def _no_stream(source: Any) -> UnknownSource:
    return UnknownSource(
        "show() needs a stream: an iterator, an async iterator or a response of one of the known "
        "systems; got "
        f"{type(source).__name__}.{_hint(source)}"
    )


def _is_graph(source: Any) -> bool:
    """Return True for a runnable or an agent, which may have iterators and context managers of its
    own but is no stream.
    """
    if callable(getattr(source, "astream", None)):
        return True
    methods = (getattr(source, name, None) for name in ("run", "run_stream_events"))
    return all(map(callable, methods))


def _is_async(source: Any) -> bool:
    """Return True if a source is read asynchronously.

    CrewAI's outputs have both kinds of iterator, of which one works.
    """
    if hasattr(source, "__iter__") and getattr(source, "_async_iterator", source) is None:
        return False
    return (
        hasattr(source, "__aiter__") or inspect.isawaitable(source) or hasattr(source, "__aenter__")
    )


async def _events_of(run: Any) -> AsyncIterator[Any]:
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


def _hint(source: Any) -> str:
    """Return a sentence on what the user may have meant, or ""."""
    if hint := hint_for(type_name(source)):
        return hint
    if isinstance(source, os.PathLike):
        return " To play a recording, show nbagent.replay(path)."
    if callable(getattr(source, "stream", None)):
        return " Show what its stream(…) returns."
    if callable(source):
        return " Call the function, and show what it returns."
    return ""


class TaskReader:
    """Reads an async iterable in a task on a loop."""

    def __init__(self, source: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: asyncio.AbstractEventLoop | None = loop
        self._source = source
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
        on_end(_end_of(error, is_cancelled=self._cancelled))

    async def _read_all(
        self, source: Any, stack: contextlib.AsyncExitStack, on_item: Callable[[Any], None]
    ) -> None:
        self._reads = True
        try:
            pause = self._home.time() + MAX_SLICE_S
            async for item in await _open_async(source, stack):
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


def _end_of(error: BaseException | None, *, is_cancelled: bool) -> BaseException | None:
    """Return how a reader's stream ended: None, `Cancelled` or an error."""
    if is_cancelled:
        return Cancelled()
    return connection_error(error) or service_error(error)


async def _open_async(source: Any, stack: contextlib.AsyncExitStack) -> AsyncIterator[Any]:
    """Return an iterator over `source`; `stack` closes everything that was opened for it."""
    if inspect.isawaitable(source) and not isinstance(source, OwnedStream):
        source = await source
        if callable(getattr(source, "stream_events", None)):
            source = _events_of(source)
    if hasattr(source, "__aenter__") and not hasattr(source, "__anext__"):
        source = await stack.enter_async_context(source)
    secrets.register(*secrets.credentials_of(source))
    if not hasattr(source, "__aiter__"):
        is_item = isinstance(source, str | dict) or hasattr(source, "model_dump")
        if is_item or not hasattr(source, "__iter__"):
            source = [source]
        return _as_async(source)
    iterator: AsyncIterator[Any] = aiter(source)
    stack.push_async_callback(aclose, source)
    if iterator is not source:
        stack.push_async_callback(aclose, iterator)
    return iterator


async def _as_async(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


class ThreadReader:
    """Reads a plain iterable in a thread, with the caller's context."""

    def __init__(self, source: Any) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.has_idle_timeout = False
        self._source = source
        self._cancelled = threading.Event()

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read."""
        work.start(partial(self._read, on_item, on_end), name="nbagent-reader")

    def cancel(self) -> None:
        """Stop after the next item; a stream over a socket stops waiting at once."""
        self._cancelled.set()
        _hang_up(self._source)

    def _read(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        error: BaseException | None = None
        try:
            stop_models_when(self._cancelled.is_set)
            with contextlib.ExitStack() as stack:
                self._read_all(stack, on_item)
        except BaseException as caught:
            error = caught
        self._source = None
        on_end(_end_of(error, is_cancelled=self._cancelled.is_set()))

    def _read_all(self, stack: contextlib.ExitStack, on_item: Callable[[Any], None]) -> None:
        source = self._source
        if self._cancelled.is_set():
            close(source)
            return
        if hasattr(source, "__enter__") and not hasattr(source, "__next__"):
            self._source = source = stack.enter_context(source)
        secrets.register(*secrets.credentials_of(source))
        iterator = iter(source)
        stack.callback(close, iterator)
        if iterator is not source and not isinstance(source, list | tuple):
            stack.callback(close, source)
        # If it was cancelled while the stream was opened, either this sees it, or `cancel` saw the
        # stream and hung up.
        if self._cancelled.is_set():
            return
        for item in iterator:
            if self._cancelled.is_set():
                return
            on_item(item)


def _hang_up(stream: Any) -> None:
    """Wake a thread that waits for bytes of an HTTP response, or for a message of a gRPC call.

    Closing a socket does not wake its reader on Linux; shutting it down does. httpx2 gives access
    to the socket through the response's documented `network_stream` extension.
    """
    if is_call(stream):
        stream.cancel()
        return
    with contextlib.suppress(Exception):  # closed already, or something else that has a `response`
        sock = stream.response.extensions["network_stream"].get_extra_info("socket")
        if isinstance(sock, socket.socket):
            sock.shutdown(socket.SHUT_RDWR)
