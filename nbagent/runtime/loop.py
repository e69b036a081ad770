"""nbagent's own event loop: one daemon thread that keeps streams moving while a notebook cell blocks the main thread."""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def loop() -> asyncio.AbstractEventLoop:
    """The loop, started on first use. Safe to call from any thread, and in a forked child (which gets a loop of its own)."""
    global _loop
    if _loop is not None:
        return _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_serve, args=(_loop,), name="nbagent-loop", daemon=True).start()
        return _loop


def submit(coro: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Runs `coro` on nbagent's loop, in a copy of the caller's context variables (prints keep finding their cell).

    Returns:
        A future of the result; cancelling it cancels the coroutine.
    """
    return asyncio.run_coroutine_threadsafe(coro, loop())


def nested(running: asyncio.AbstractEventLoop) -> Callable[[Coroutine[Any, Any, T]], T]:
    """What waits for a coroutine inside the loop that is running here, and keeps it running meanwhile."""
    import nest_asyncio2  # patches asyncio for the whole process: only where nothing else can work

    nest_asyncio2.apply(running)
    return running.run_until_complete


class OwnedStream:
    """Base of the async iterables that are ours: they may be read on nbagent's own loop, so that no cell stalls them.

    Attributes:
        adapter: the system whose items these are, where the stream was told; known when its first item comes.
        stays: whether it must be read on the caller's loop all the same, for the sake of a connection pool that lives there.
    """

    adapter: str | None = None
    stays = False

    def __aiter__(self) -> AsyncIterator[Any]:
        raise NotImplementedError


def is_current() -> bool:
    """Whether the caller runs on nbagent's loop, where waiting for the loop would wait for ever."""
    try:
        return asyncio.get_running_loop() is _loop
    except RuntimeError:
        return False


def _serve(own: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(own)
    while True:
        # asyncio lets these two out of run_forever when a task raises them; one task's exit() must not end every run.
        try:
            own.run_forever()
        except (KeyboardInterrupt, SystemExit):
            continue
        break
    own.close()


def _forget() -> None:
    """A forked child has no copy of the thread, and perhaps a copy of a lock that nobody will release."""
    global _lock, _loop
    _lock = threading.Lock()
    _loop = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
