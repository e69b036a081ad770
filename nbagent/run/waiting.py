"""Waits until something of a run has ended: in a thread that blocks, or in a coroutine.

An interrupt of the wait stops it.
"""

import asyncio
import concurrent.futures
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from nbagent.run.callbacks import EventCallback, in_callback
from nbagent.runtime import kernel, work
from nbagent.runtime.interrupt import watch_interrupts
from nbagent.runtime.loop import is_current, nested, running_loop

End: TypeAlias = "concurrent.futures.Future[None]"


async def wait_for(ends: Iterable[End], stop: Callable[[], object]) -> None:
    """Wait until each of them is done, one after the other; `stop` is called if the wait is
    interrupted or cancelled.
    """
    try:
        with watch_interrupts(asyncio.get_running_loop(), stop):
            for end in ends:
                await asyncio.shield(asyncio.wrap_future(end))
    except asyncio.CancelledError:
        # an interrupted cell must not leave the stream running, and billing, in the background
        stop()
        raise


def _seconds_left(begun: float, timeout: float | None) -> float | None:
    """Return the seconds that are left of a time that began at `begun`; None if it has no end."""
    if timeout is None:
        return None
    return max(0.0, begun + timeout - time.monotonic())


def block_for(
    done: End,
    callbacks: Sequence[EventCallback],
    timeout: float | None,
    *,
    reader_loop: asyncio.AbstractEventLoop | None,
    cancel: Callable[[], object],
    grace_s: float,
) -> None:
    """Block until a run has ended, and its callbacks are done. An interrupt cancels the run.

    Args:
        done: the end of the run.
        callbacks: of the run.
        timeout: seconds to wait at most; None waits for ever.
        reader_loop: the loop that the source is read on; None for a thread. If it is blocked here,
            it is run from within.
        cancel: cancels the run.
        grace_s: seconds that an interrupt waits for the end of the run.

    Raises:
        TimeoutError: the run, or a callback, goes on after `timeout` seconds.
    """
    begun = time.monotonic()
    home = running_loop()
    blocked = home if reader_loop is home or is_current() else None
    try:
        if blocked is not None and not done.done():
            nested(blocked)(asyncio.wait_for(asyncio.shield(asyncio.wrap_future(done)), timeout))
        else:
            kernel.wait(done, timeout)
        if in_callback():
            return  # it waits for itself otherwise
        # A callback that is awaited on the loop blocked here cannot end.
        for callback in callbacks:
            if home is None or callback.home is not home:
                kernel.wait(callback.done, _seconds_left(begun, timeout))
    except KeyboardInterrupt:
        cancel()
        if blocked is None:
            # In a script the process may end next, and the connection should be closed before that.
            with contextlib.suppress(TimeoutError):
                work.block(done, grace_s)
        raise
