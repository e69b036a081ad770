"""Work beside the caller: threads, timers and waits that block.

All of nbagent starts threads and blocks through this module, so that it also runs where there are
no threads: in a page of a browser (Pyodide), where callbacks of the page's event loop take their
place. Servers, which no page runs, start theirs themselves.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import contextvars
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

END_TIMEOUT_S = 1.0
"""Seconds that the end of the process waits for an alarm's call."""


class Timer(Protocol):
    """A call that comes after a time."""

    def cancel(self) -> object:
        """Do not make the call. One that was made is no error."""


class Alarm(Protocol):
    """Calls a function each time that it asked for, and when it is rung.

    The function returns the seconds until its next call; None for none until it is rung.
    """

    def ring(self) -> None:
        """Call the function soon. Safe to call from any thread."""


class Threads:
    """The form for a Python with threads. All of them are daemons."""

    def start(self, function: Callable[[], object], name: str) -> None:
        """See `start`."""
        call = partial(contextvars.copy_context().run, function)
        threading.Thread(target=call, name=name, daemon=True).start()

    def later(self, seconds: float, function: Callable[[], object]) -> Timer:
        """See `later`."""
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timer.start()
        return timer

    def alarm(self, function: Callable[[], float | None], name: str) -> Alarm:
        """See `alarm`."""
        return _ThreadAlarm(function, name)

    async def off_loop(self, function: Callable[[], T], name: str) -> T:
        """See `off_loop`.

        Not in a thread of an executor: an abandoned call must neither use up a pool nor delay the
        interpreter's exit.
        """
        done: concurrent.futures.Future[T] = concurrent.futures.Future()
        done.set_running_or_notify_cancel()
        self.start(partial(_settle, done, function), name)
        return await asyncio.wrap_future(done)

    def block(self, done: "concurrent.futures.Future[Any]", timeout: float | None) -> None:
        """See `block`."""
        if not concurrent.futures.wait([done], timeout).done:
            raise TimeoutError

    def sleep(self, seconds: float) -> None:
        """See `sleep`."""
        time.sleep(seconds)

    def run_at_most(self, seconds: float, function: Callable[[], object], name: str) -> None:
        """See `run_at_most`."""
        done: concurrent.futures.Future[object] = concurrent.futures.Future()
        self.start(partial(_settle, done, function), name)
        concurrent.futures.wait([done], seconds)

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """See `new_loop`."""
        loop = asyncio.new_event_loop()
        # without the context of the first caller, which it would keep alive
        threading.Thread(target=_serve, args=(loop,), name="nbagent-loop", daemon=True).start()
        return loop


class Page:
    """The form for a page of a browser: all runs on its event loop, one after the other.

    A function that takes long holds up the page.
    """

    def start(self, function: Callable[[], object], name: str) -> None:
        """See `start`."""
        asyncio.get_event_loop().call_soon(function)

    def later(self, seconds: float, function: Callable[[], object]) -> Timer:
        """See `later`."""
        return asyncio.get_event_loop().call_later(seconds, function)

    def alarm(self, function: Callable[[], float | None], name: str) -> Alarm:
        """See `alarm`."""
        return _LoopAlarm(function)

    async def off_loop(self, function: Callable[[], T], name: str) -> T:
        """See `off_loop`."""
        return function()

    def block(self, done: "concurrent.futures.Future[Any]", timeout: float | None) -> None:
        """See `block`."""
        self.run_to_end(asyncio.wait([asyncio.wrap_future(done)], timeout=timeout))
        if not done.done():
            raise TimeoutError

    def sleep(self, seconds: float) -> None:
        """See `sleep`."""
        self.run_to_end(asyncio.sleep(seconds))

    def run_at_most(self, seconds: float, function: Callable[[], object], name: str) -> None:
        """See `run_at_most`."""
        with contextlib.suppress(Exception):
            function()

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """See `new_loop`."""
        return asyncio.get_event_loop()

    def run_to_end(self, coro: Coroutine[Any, Any, T]) -> T:
        """See `run_in_page`."""
        from pyodide.ffi import can_run_sync, run_sync  # type: ignore[import-not-found]

        if not can_run_sync():
            coro.close()
            raise RuntimeError("this browser cannot block here: use `await` instead")
        result: T = run_sync(coro)
        return result


class _ThreadAlarm:
    """A thread that sleeps until the next call. Nothing is polled.

    It makes no call while the interpreter ends: Python aborts if a daemon thread writes to stdout
    then (https://github.com/python/cpython/issues/86883).
    """

    def __init__(self, function: Callable[[], float | None], name: str) -> None:
        self._function = function
        self._changed = threading.Condition()
        self._calling = threading.Lock()
        self._rung = False
        atexit.register(self._end)
        # without the context of the first caller, which it would keep alive
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def ring(self) -> None:
        with self._changed:
            self._rung = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._rung = False
            with self._calling:
                seconds = self._function()
            with self._changed:
                if not self._rung:
                    self._changed.wait(seconds)

    def _end(self) -> None:
        self._calling.acquire(timeout=END_TIMEOUT_S)


class _LoopAlarm:
    """A timer of the page's loop."""

    def __init__(self, function: Callable[[], float | None]) -> None:
        self._function = function
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        self._set(0.0)

    def _set(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            self._timer = asyncio.get_event_loop().call_later(seconds, self._run)

    def _run(self) -> None:
        self._timer = None
        seconds = self._function()
        if self._timer is None:  # it was not rung meanwhile
            self._set(seconds)


_form: Threads | Page = Page() if sys.platform == "emscripten" else Threads()


def in_page() -> bool:
    """Return True in a page of a browser, where Python has no threads, sockets or signals."""
    return isinstance(_form, Page)


def start(function: Callable[[], object], *, name: str) -> None:
    """Call a function beside the caller, in a copy of the caller's context.

    Args:
        function: may block.
        name: of the thread.

    Raises:
        RuntimeError: the interpreter is shutting down, and starts no more threads.
    """
    _form.start(function, name)


def later(seconds: float, function: Callable[[], object]) -> Timer:
    """Call a function after a time, beside the caller. Return what takes that back."""
    return _form.later(seconds, function)


def alarm(function: Callable[[], float | None], *, name: str) -> Alarm:
    """Return an alarm for a function, which is called from now on; see `Alarm`."""
    return _form.alarm(function, name)


async def off_loop(function: Callable[[], T], *, name: str = "nbagent-work") -> T:
    """Call a function that may block, away from this loop, in a copy of the caller's context.

    Cancelling leaves it behind and drops its result.
    """
    return await _form.off_loop(function, name)


def block(done: "concurrent.futures.Future[Any]", timeout: float | None = None) -> None:
    """Block until a future is done. What it has raised is not raised here.

    Raises:
        TimeoutError: it is not done after `timeout` seconds.
        RuntimeError: in a page whose browser cannot block here.
    """
    _form.block(done, timeout)


def sleep(seconds: float) -> None:
    """Block for a time."""
    _form.sleep(seconds)


def run_at_most(seconds: float, function: Callable[[], object], *, name: str) -> None:
    """Call a function and block until it has returned, or is left behind after a time.

    Without threads the time has no limit. What it raises is dropped.
    """
    _form.run_at_most(seconds, function, name)


def run_in_page(coro: Coroutine[Any, Any, T]) -> T:
    """Block until a coroutine is done, while the page's loop goes on.

    https://pyodide.org/en/stable/usage/api/python-api/ffi.html#pyodide.ffi.run_sync

    Raises:
        RuntimeError: the browser cannot block here.
    """
    assert isinstance(_form, Page)
    return _form.run_to_end(coro)


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop that runs beside the caller: a new one, or the page's."""
    return _form.new_loop()


def _settle(done: "concurrent.futures.Future[T]", function: Callable[[], T]) -> None:
    """Set the future to what the function returns or raises."""
    try:
        value = function()
    except StopIteration as error:
        # Asyncio's futures refuse this one, and the caller would wait for ever.
        refused = RuntimeError("the function raised StopIteration")
        done.set_exception(refused.with_traceback(error.__traceback__))
    except BaseException as error:
        done.set_exception(error)
    else:
        done.set_result(value)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        # asyncio lets these two out of run_forever when a task raises them; one task's exit() must
        # not end every run.
        try:
            loop.run_forever()
        except (KeyboardInterrupt, SystemExit):
            continue
        break
    loop.close()
