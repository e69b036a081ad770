"""How long a run may take, and how long nothing may come."""

import asyncio
import time
from collections.abc import Callable

from nbagent.errors import StreamError
from nbagent.runtime.loop import loop


class Watchdog:
    """Says that a stream took too long. It sleeps until then: nothing is polled.

    Args:
        timeout: seconds that all may take; None for any time.
        idle_timeout: seconds in which something must come; None for any time.
        expired: gets the error, on nbagent's own loop; the code is "timeout" or "idle_timeout". Where it returns True
            there is another way to go on, which may be silent; one that is taken at a "timeout" may take as long again.

    Raises:
        ValueError: one of the two is not positive.
    """

    def __init__(self, timeout: float | None, idle_timeout: float | None, expired: Callable[[StreamError], bool]) -> None:
        for name, seconds in (("timeout", timeout), ("idle_timeout", idle_timeout)):
            if seconds is not None and not seconds > 0:
                raise ValueError(f"{name} is a positive number of seconds; got {seconds!r}")
        self._timeout = timeout
        self._idle_timeout = idle_timeout
        self._expired = expired
        self._over = False
        self._latest = 0.0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """The time runs from now on."""
        self._latest = time.monotonic()
        if self._timeout is not None or self._idle_timeout is not None:
            loop().call_soon_threadsafe(self._begin)

    def seen(self) -> None:
        """Something came."""
        self._latest = time.monotonic()

    def stop(self) -> None:
        """The stream is over; nothing is said any more."""
        if not self._over:
            self._over = True
            loop().call_soon_threadsafe(self._forget)

    def _begin(self) -> None:
        self._limit()
        if self._idle_timeout is not None:
            self._timers["idle"] = loop().call_later(self._idle_timeout, self._look, self._idle_timeout)

    def _limit(self) -> None:
        if self._timeout is not None:
            text = f"It was not done after {self._timeout:g} s; timeout= gives it more time"
            self._timers["total"] = loop().call_later(self._timeout, self._tell, StreamError(text, "timeout"))

    def _look(self, idle: float) -> None:
        left = self._latest + idle - time.monotonic()
        if left <= 0:
            self._tell(StreamError(f"Nothing came for {idle:g} s; idle_timeout= gives it more time", "idle_timeout"))
        elif not self._over:
            self._timers["idle"] = loop().call_later(left, self._look, idle)

    def _tell(self, error: StreamError) -> None:
        if not self._over and self._expired(error) and error.code == "timeout":
            self._limit()

    def _forget(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
