"""Functions of the user's that are called with the events of a run: `run.on`."""

import asyncio
import contextvars
import inspect
import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from nbagent import events as e
from nbagent.run.iteration import EventIterator
from nbagent.runtime import work
from nbagent.runtime.loop import loop as own_loop
from nbagent.runtime.loop import running_loop

_log = logging.getLogger("nbagent")
_in_callback: contextvars.ContextVar[bool] = contextvars.ContextVar(
    "nbagent_in_callback", default=False
)


def in_callback() -> bool:
    """Return True if the caller runs inside a callback: it must not wait for the callbacks of a run
    to be over.
    """
    return _in_callback.get()


class EventCallback:
    """Calls a function with each event, one after the other, in a thread of its own and in a copy
    of the caller's context.

    An `async def` is awaited on the loop that runs where this is made (nbagent's own if none does),
    another awaitable that the function returns on nbagent's own. An exception is logged, the first
    one of this function as a warning; the calls go on.

    Args:
        function: called with an event.
        events: iterates over the events until the run ends: blocks between two, or is awaited
            in a page of a browser, where the calls are made in a task.

    Attributes:
        home: the loop that an `async def` is awaited on; None for another function.
        done: done when the function has had every event.

    Raises:
        TypeError: `function` is not a function.
    """

    def __init__(self, function: Callable[[Any], Any], events: EventIterator[e.Event]) -> None:
        if not callable(function):
            raise TypeError(
                f"on() takes a function that is called with an event; got {type(function).__name__}"
            )
        is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            type(function).__call__
        )
        self.home: asyncio.AbstractEventLoop | None = None
        if is_async:
            self.home = running_loop() or own_loop()
        self.done: Future[None] = Future()
        self._function = function
        self._has_failed = False
        if work.in_page():
            own_loop().create_task(self._call_each(events))
        else:
            work.start(partial(self._call_all, events), name="nbagent-on")

    def _call_all(self, events: EventIterator[e.Event]) -> None:
        _in_callback.set(True)
        try:
            for event in events:
                self._call(event)
        finally:
            self.done.set_result(None)

    def _call(self, event: e.Event) -> None:
        try:
            result = self._function(event)
            if inspect.isawaitable(result):
                asyncio.run_coroutine_threadsafe(_await(result), self.home or own_loop()).result()
        except Exception as error:
            self._on_error(event, error)

    async def _call_each(self, events: EventIterator[e.Event]) -> None:
        _in_callback.set(True)
        try:
            async for event in events:
                try:
                    result = self._function(event)
                    if inspect.isawaitable(result):
                        await result
                except Exception as error:
                    self._on_error(event, error)
        finally:
            self.done.set_result(None)

    def _on_error(self, event: e.Event, error: Exception) -> None:
        # a mistake may repeat itself at every delta
        level = logging.DEBUG if self._has_failed else logging.WARNING
        self._has_failed = True
        name = type(error).__name__
        _log.log(
            level, "on(%r): the function %r raised %s: %s", event.type, self._function, name, error
        )
        _log.debug("its traceback", exc_info=True)


async def _await(result: Any) -> Any:
    return await result
