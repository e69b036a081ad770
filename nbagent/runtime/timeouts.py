"""Time limits in seconds: the check of their values, and the clock behind every `idle_timeout`."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import SupportsFloat


def is_limit(seconds: object) -> bool:
    """Return True if an option's value is a positive number of seconds, or None for no limit."""
    return seconds is None or (isinstance(seconds, SupportsFloat) and float(seconds) > 0)


def positive_seconds(name: str, seconds: float | None) -> float | None:
    """Return `seconds`, the value of the option `name`; None means no limit.

    Raises:
        ValueError: it is not a positive number.
    """
    if not is_limit(seconds):
        raise ValueError(f"{name} must be a positive number of seconds; got {seconds!r}")
    return seconds


class IdleClock:
    """Measures how long a stream has been silent, against an `idle_timeout`.

    A stream whose bytes nbagent reads itself is silent until any byte comes, so that a keep-alive
    comment counts. A stream of objects is silent until the next item.

    Args:
        seconds: the longest silence that is allowed; None for any.

    Raises:
        ValueError: `seconds` is not positive.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = positive_seconds("idle_timeout", seconds)
        self._latest = time.monotonic()

    def touch(self) -> None:
        """End the silence: something came. Safe to call from any thread."""
        self._latest = time.monotonic()

    async def expired(self) -> None:
        """Return when the silence has been too long; never if any length is allowed.

        Sleeps until then, without polling.
        """
        if self.seconds is None:
            await asyncio.Event().wait()
            return
        while True:
            left = self._latest + self.seconds - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)

    @contextlib.asynccontextmanager
    async def limit(self, error_of: Callable[[float], Exception]) -> AsyncIterator[None]:
        """Limit the time of the awaits inside the block: the silence begins on entry and ends on
        exit.

        Args:
            error_of: returns the error to raise if the silence gets too long; called with
                `seconds`.
        """
        self.touch()
        limit = asyncio.timeout(self.seconds)
        try:
            async with limit:
                yield
        except TimeoutError:
            if self.seconds is not None and limit.expired():
                raise error_of(self.seconds) from None
            raise
