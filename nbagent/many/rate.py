"""`RowGate`: how many rows of a map are under way at a time, and when their requests are sent.

The number of rows begins small and doubles with each round of rows that succeed (slow start), until
the service refuses a request (429) or `MAX_LIMIT` is reached. From then on the pace of the requests
is what limits the rows; see `Pace`. A refusal also holds back all requests together, until the
service takes them again.
"""

import asyncio
import time
from collections import deque

from nbagent.many.pace import Pace

FIRST_LIMIT = 4
"""Rows that begin at once, before anything is known of the service."""

MAX_LIMIT = 256
"""Rows that are under way at a time at most."""


class RowGate:
    """Lets rows begin, and their requests be sent. It is used on one loop.

    Args:
        concurrency: rows under way at a time; None finds it out, and the pace of the requests.

    Attributes:
        is_fixed: whether the number of rows was given.
        limit: rows that may be under way now.
        active: rows that are.
        pace: of the requests.
    """

    def __init__(self, concurrency: int | None = None) -> None:
        self.is_fixed = concurrency is not None
        self.limit = FIRST_LIMIT if concurrency is None else concurrency
        self.active = 0
        self.pace = Pace()
        self.is_paused = False
        self._rows: deque[asyncio.Future[None]] = deque()
        self._requests: deque[asyncio.Future[float]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    # --- rows ---

    async def enter(self) -> None:
        """Wait until a row may begin."""
        while not self._is_open:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._rows.append(waiter)
            await waiter
        self.active += 1

    def leave(self, *, succeeded: bool) -> None:
        """Note that a row has ended. One that succeeded lets the limit grow."""
        self.active -= 1
        # More rows send nothing more while requests wait for their turn.
        if succeeded and not self.is_fixed and not self._requests:
            self.limit = min(MAX_LIMIT, self.limit + 1)
        self._wake_rows()

    def pause(self) -> None:
        """Let no row begin until `go_on`."""
        self.is_paused = True

    def go_on(self) -> None:
        """End a pause."""
        self.is_paused = False
        self._wake_rows()

    @property
    def _is_open(self) -> bool:
        return not self.is_paused and self.active < self.limit

    def _wake_rows(self) -> None:
        free = 0 if self.is_paused else self.limit - self.active
        while self._rows and free > 0:
            waiter = self._rows.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1

    # --- requests ---

    async def admit(self) -> float:
        """Wait until a request may be sent, and return when that is, for `refused`.

        Requests are sent in the order in which they come.
        """
        if not self._requests and self._opens_in == 0:
            return self._sent()
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._requests.append(waiter)
        self._schedule()
        return await waiter

    def refused(self, sent_at: float, retry_after_s: float | None = None) -> None:
        """Note that the service has refused a request: others are sent after a pause, and slower.

        Args:
            sent_at: what `admit` returned for it.
            retry_after_s: seconds after which the service takes requests again; None if it does not
                say.
        """
        self.pace.refused(time.monotonic(), sent_at, retry_after_s)

    @property
    def seconds_to_wait(self) -> float:
        """Seconds until the pause after a refusal ends; 0 if there is none."""
        return max(0.0, self.pace.resumes_at - time.monotonic())

    @property
    def _opens_in(self) -> float:
        """Seconds until a request may be sent; 0 if it may now."""
        opens_at = self.pace.resumes_at if self.is_fixed else self.pace.opens_at
        return max(0.0, opens_at - time.monotonic())

    def _sent(self) -> float:
        """Note that a request is sent now, and return the time."""
        now = time.monotonic()
        self.pace.sent(now)
        return now

    def _schedule(self) -> None:
        if self._requests and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._opens_in, self._send)

    def _send(self) -> None:
        """Let the requests be sent whose turn it is."""
        self._timer = None
        while self._requests and self._opens_in == 0:
            waiter = self._requests.popleft()
            if not waiter.done():
                waiter.set_result(self._sent())
        self._schedule()
