"""nbagent's own event loop: one daemon thread that keeps streams moving while a notebook cell
blocks the main thread.
"""

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from nbagent.runtime import work
from nbagent.runtime.per_process import PerProcess

T = TypeVar("T")

MAX_SLICE_S = 0.005
"""Seconds after which a stream that never waits lets others run on its loop."""


def loop() -> asyncio.AbstractEventLoop:
    """Return nbagent's loop, started on first use.

    Safe to call from any thread; a forked child gets a loop of its own.
    """
    return _own.get()


def submit(coro: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Run `coro` on nbagent's loop, in a copy of the caller's context variables (prints keep
    finding their cell).

    Returns:
        A future of the result; cancelling it cancels the coroutine.
    """
    return asyncio.run_coroutine_threadsafe(coro, loop())


def nested(running: asyncio.AbstractEventLoop) -> Callable[[Coroutine[Any, Any, T]], T]:
    """Return a function that runs a coroutine to its end inside `running`, the loop that already
    runs here.
    """
    if work.in_page():
        return work.run_in_page
    import nest_asyncio2  # patches asyncio for the whole process: only where nothing else can work

    nest_asyncio2.apply(running)
    return running.run_until_complete


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs on this thread; None if none does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def is_current() -> bool:
    """Return True if the caller runs on nbagent's loop, where a wait for that loop would never
    end.
    """
    running = running_loop()
    return running is not None and running is _own.value


class OwnedStream:
    """Base of nbagent's own async iterables.

    They may be read on nbagent's loop, so that no cell stalls them.

    Attributes:
        adapter: name of the system whose items these are, if the stream knows it; set when its
            first item comes.
        stays: whether it must be read on the caller's loop all the same, for the sake of a
            connection pool that lives there.
    """

    adapter: str | None = None
    stays = False

    def __aiter__(self) -> AsyncIterator[Any]:
        raise NotImplementedError

    def received(self) -> Sequence[Any]:
        """Take the items that have come and were not read yet, without waiting."""
        return ()


_own = PerProcess(work.new_loop)
