"""Following a run's events: from the first one that is kept, then live, on any loop."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable

from nbagent import events as e
from nbagent.eventlog import EventLog
from nbagent.interrupt import watch


class Followers:
    """Those who iterate over one run's events, each at a pace of its own.

    Args:
        events: where they find the events.
        lock: guards the log; `wake` is called with it held.
        stop: called when a cell that follows is interrupted.
    """

    def __init__(self, events: EventLog, lock: threading.RLock, stop: Callable[[], object]) -> None:
        self._events = events
        self._lock = lock
        self._stop = stop
        self._over = False
        self._followers: list[_Follower] = []

    def wake(self, *, over: bool = False) -> None:
        """There is something new, or, when all is `over`, there will be nothing more."""
        self._over = self._over or over
        for follower in self._followers:
            follower.wake()

    async def follow(self, types: frozenset[str] | None) -> AsyncIterator[e.Event]:
        """The events of those types (None: all), from the beginning until all is over."""
        home = asyncio.get_running_loop()
        follower = _Follower(home)
        with self._lock:
            self._followers.append(follower)
            follower.ready.set()
        seen = 0
        with watch(home, self._stop) as interrupted:
            try:
                while True:
                    await follower.ready.wait()
                    follower.ready.clear()
                    with self._lock:
                        follower.awake = False
                        fresh = self._events.newest(self._events.count - seen)
                        seen, over = self._events.count, self._over
                    for event in fresh:
                        if types is None or e.type_of(event) in types:
                            yield event
                    if over:
                        return
            except (asyncio.CancelledError, GeneratorExit):
                if interrupted():
                    self._stop()
                raise
            finally:
                with self._lock:
                    self._followers.remove(follower)


class _Follower:
    """One of them, on a loop."""

    def __init__(self, home: asyncio.AbstractEventLoop) -> None:
        self.ready = asyncio.Event()
        self.awake = False
        self._home = home

    def wake(self) -> None:
        if not self.awake:
            self.awake = True
            with contextlib.suppress(RuntimeError):  # its loop is closed
                self._home.call_soon_threadsafe(self.ready.set)
