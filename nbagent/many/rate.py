"""`RowGate`: how many rows of a map are under way at a time, fixed or found out.

A service that refuses a request (429) says when it takes the next one, or not even that. So the
number begins small and doubles while nothing is refused (slow start); a refusal halves it, and from
then on it grows by one for each round without a refusal. This is TCP's congestion avoidance
(RFC 5681, section 3.1). A refusal also holds back all rows, until the service takes requests again.
"""

import asyncio
import time
from collections import deque

FIRST_LIMIT = 4
"""Rows that begin at once, before anything is known of the service."""

MAX_LIMIT = 256
"""Rows that are under way at a time at most."""

SAME_REFUSAL_S = 1.0
"""Seconds in which refusals are counted as one: they answer requests of the same moment."""

MAX_PAUSE_S = 120.0
"""Seconds that all rows wait at most after a refusal."""


class RowGate:
    """Lets rows begin. It is used on one loop.

    Args:
        concurrency: rows under way at a time; None finds it out.

    Attributes:
        limit: rows that may be under way now.
        active: rows that are.
        refusals: requests that the service refused, in all.
        resumes_at: when the pause after a refusal ends, by `time.monotonic`.
    """

    def __init__(self, concurrency: int | None = None) -> None:
        self.is_fixed = concurrency is not None
        self.limit = FIRST_LIMIT if concurrency is None else concurrency
        self.active = 0
        self.refusals = 0
        self.resumes_at = 0.0
        self.is_paused = False
        self._grows_fast = True
        self._in_round = 0
        self._refused_at = float("-inf")
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Wait until a row may begin."""
        while not self._is_open:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
        self.active += 1

    def leave(self, *, succeeded: bool) -> None:
        """Note that a row has ended. One that succeeded lets the limit grow."""
        self.active -= 1
        if succeeded and not self.is_fixed:
            self._grow()
        self._wake()

    def refused(self, retry_after_s: float | None = None) -> None:
        """Note that the service has refused a request: fewer rows go on, after a pause.

        Args:
            retry_after_s: seconds after which the service takes requests again; None if it does not
                say.
        """
        now = time.monotonic()
        self.refusals += 1
        if now - self._refused_at >= SAME_REFUSAL_S:
            self._refused_at = now
            self._grows_fast = False
            self._in_round = 0
            if not self.is_fixed:
                self.limit = max(1, self.limit // 2)
        pause = min(
            MAX_PAUSE_S, max(0.0, SAME_REFUSAL_S if retry_after_s is None else retry_after_s)
        )
        if now + pause > self.resumes_at:
            self.resumes_at = now + pause
            asyncio.get_running_loop().call_later(pause, self._wake)

    def pause(self) -> None:
        """Let no row begin until `go_on`."""
        self.is_paused = True

    def go_on(self) -> None:
        """End a pause."""
        self.is_paused = False
        self._wake()

    @property
    def seconds_to_wait(self) -> float:
        """Seconds until the pause after a refusal ends; 0 if there is none."""
        return max(0.0, self.resumes_at - time.monotonic())

    @property
    def _is_open(self) -> bool:
        if self.is_paused or self.seconds_to_wait > 0:
            return False
        return self.active < self.limit

    def _grow(self) -> None:
        if self._grows_fast:
            self.limit = min(MAX_LIMIT, self.limit + 1)
            return
        self._in_round += 1
        if self._in_round >= self.limit:
            self._in_round = 0
            self.limit = min(MAX_LIMIT, self.limit + 1)

    def _wake(self) -> None:
        free = self.limit - self.active
        while self._waiting and free > 0 and self._is_open:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1
