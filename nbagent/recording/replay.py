"""A recording that plays again, at its own pace or any other."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from nbagent import events as ev
from nbagent.recording.file import found, items, numbered
from nbagent.runtime.loop import OwnedStream

TURN = 0.02
"""Seconds that a replay which does not wait may hold its loop."""


def replay(path: str | Path, speed: float | None = None, *, rate: float | None = None, run: int = 1) -> "Replay":
    """Play a recording again: an async iterable of its items, for `nbagent.show` or a loop of your own.

    A `.jsonl` file, as `run.save` and `nbagent.record` write it, gives its events (or, where a line is some other system's
    item, that item). Any other file is the bytes as a service sent them, and gives its items as they would come from there:
    the payloads of server-sent events, JSON documents, the entries of an array, or text. A file is read as it is played.

    Args:
        path: the recording.
        speed: 1 keeps the time that passed between the events, 2 halves it; None or 0 does not wait. Only events carry times.
        rate: items per second, for any recording; instead of `speed`.
        run: which run, from 1, where `nbagent.record` has kept several in one file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: `speed` or `rate` is negative, or both are given; `run` is not positive.
    """
    if (speed or 0) < 0 or (rate or 0) < 0 or (speed and rate):
        raise ValueError(f"replay() takes a positive speed or a positive rate, not both; got speed={speed!r}, rate={rate!r}")
    return Replay(found(path), speed or None, rate or None, numbered(run))


class Replay(OwnedStream):
    """A recording that plays, from its beginning each time it is iterated. Made by `replay`.

    Attributes:
        name: the file's name without its ending.
        keeps_times: its events say when they came, and what is shown of them says so too, however fast it plays.
    """

    keeps_times = True

    def __init__(self, path: Path, speed: float | None, rate: float | None, run: int) -> None:
        self.name = path.stem
        self._path = path
        self._speed = speed
        self._rate = rate
        self._run = run

    async def __aiter__(self) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        start = pause = loop.time()
        first: float | None = None
        for number, item in enumerate(items(self._path, self._run)):
            due = start
            if self._rate:
                due = start + number / self._rate
            elif self._speed and isinstance(item, ev.Event) and item.ts:
                first = item.ts if first is None else first
                due = start + (item.ts - first) / self._speed
            now = loop.time()
            if due > now or now > pause:
                await asyncio.sleep(max(0.0, due - now))  # 0 gives others their turn
                pause = loop.time() + TURN
            yield item


class RecordedTimes:
    """When the events of a recording came, counted from the moment it began to play: so a thought took as long as it did.

    Args:
        started: that moment, in seconds since the epoch.
    """

    def __init__(self, started: float) -> None:
        self._started = self._latest = started
        self._shift: float | None = None

    def of(self, event: ev.Event) -> float:
        """Seconds since the epoch; of a recording that knows no times, when it is played."""
        if event.ts:
            self._shift = self._started - event.ts if self._shift is None else self._shift
            self._latest = event.ts + self._shift
        return time.time() if self._shift is None else self._latest
