"""The time limits of a run: `timeout` for all of it, `idle_timeout` for silence."""

import asyncio
import concurrent.futures
from collections.abc import Callable

from nbagent.errors import StreamError
from nbagent.run.event_source import EventSource
from nbagent.runtime.loop import submit
from nbagent.runtime.timeouts import IdleClock, positive_seconds


class Watchdog:
    """Reports a run that takes too long.

    It sleeps on nbagent's own loop until then; nothing is polled.

    Args:
        timeout: seconds for the whole run; None for any time.
        idle_timeout: seconds between two items; None for any time.
        source: what the run reads. While it `has_idle_timeout`, silence is not reported: the stream
            fails by itself.
        waits: returns True while the run waits for its reader. That silence is not reported either.
        on_timeout: called with the error, whose code is "timeout" or "idle_timeout", on nbagent's
            own loop. Returns True if a fallback takes over. The idle check then stops; after a
            total timeout the timer is armed again.

    Attributes:
        touch: ends the current silence, since an item came.

    Raises:
        ValueError: one of the two times is not positive.
    """

    def __init__(
        self,
        timeout: float | None,
        idle_timeout: float | None,
        source: EventSource,
        waits: Callable[[], bool],
        on_timeout: Callable[[StreamError], bool],
    ) -> None:
        self._timeout = positive_seconds("timeout", timeout)
        self._idle = IdleClock(idle_timeout)
        self.touch = self._idle.touch
        self._source = source
        self._waits = waits
        self._on_timeout = on_timeout
        self._watches: list[concurrent.futures.Future[None]] = []
        self._stopped = False

    def start(self) -> None:
        """Begin to measure, unless it was stopped already."""
        if self._stopped:
            return
        self.touch()
        if self._timeout is not None:
            self._watches.append(submit(self._watch_total(self._timeout)))
        if self._idle.seconds is not None:
            self._watches.append(submit(self._watch_silence(self._idle.seconds)))

    def stop(self) -> None:
        """Stop measuring, for good."""
        self._stopped = True
        for watch in self._watches:
            watch.cancel()

    async def _watch_total(self, seconds: float) -> None:
        text = f"It was not done after {seconds:g} s; timeout= gives it more time"
        while True:
            await asyncio.sleep(seconds)
            if not self._on_timeout(StreamError(text, "timeout")):
                return

    async def _watch_silence(self, seconds: float) -> None:
        await self._idle.expired()
        while self._source.has_idle_timeout or self._waits():
            self.touch()
            await self._idle.expired()
        self._on_timeout(
            StreamError(
                f"Nothing came for {seconds:g} s; idle_timeout= gives it more time", "idle_timeout"
            )
        )
