"""`replay()`: plays a recording again, at its own pace or any other."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from nbagent import events as ev
from nbagent.runtime.loop import MAX_SLICE_S, OwnedStream
from nbagent.sources.info import SourceInfo
from nbagent.sources.recording.file import existing_file, items, positive_run


def replay(
    path: str | Path, speed: float | None = None, *, rate: float | None = None, run: int = 1
) -> "Replay":
    """Return a recording as an async iterable of its items, for `nbagent.show` or a loop of your
    own.

    A `.jsonl` file, as `run.save` and `nbagent.record` write it, has events (a line may also be
    some other system's item). Any other file is read as the body that a service sent: the payloads
    of server-sent events, JSON documents, the entries of an array, or text. The file is read as it
    is played.

    Args:
        path: of the recording.
        speed: 1 keeps the time between two events, 2 halves it; None or 0 does not wait. Only
            events have times.
        rate: items per second, for any recording, instead of `speed`.
        run: number of the run, from 1, if the file holds several.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: `speed` or `rate` is negative, or both are given; `run` is not positive.
    """
    if (speed or 0) < 0 or (rate or 0) < 0 or (speed and rate):
        raise ValueError(
            f"replay() takes a positive speed or a positive rate, not both; got speed={speed!r}, "
            f"rate={rate!r}"
        )
    return Replay(existing_file(path), speed or None, rate or None, positive_run(run))


class Replay(OwnedStream):
    """A recording as a stream. Each iteration plays it from its beginning. `replay` makes it.

    Attributes:
        name: of the file, without its ending.
        info: a run shows the recorded times of the events, however fast they play.
    """

    info = SourceInfo(keeps_times=True)

    def __init__(self, path: Path, speed: float | None, rate: float | None, run: int) -> None:
        self.name = path.stem
        self._path = path
        self._speed = speed
        self._rate = rate
        self._run = run

    def items(self) -> Iterator[Any]:
        """Yield the items at once. The file is read as they are taken."""
        return items(self._path, self._run)

    async def __aiter__(self) -> AsyncIterator[Any]:
        loop = asyncio.get_running_loop()
        start = pause = loop.time()
        first: float | None = None
        for number, item in enumerate(self.items()):
            due = start
            if self._rate:
                due = start + number / self._rate
            elif self._speed and isinstance(item, ev.Event) and item.ts:
                if first is None:
                    first = item.ts
                due = start + (item.ts - first) / self._speed
            now = loop.time()
            if due > now or now > pause:
                await asyncio.sleep(max(0.0, due - now))  # 0 s lets others run
                pause = loop.time() + MAX_SLICE_S
            yield item


class RecordedTimes:
    """The times of a recording's events, moved to the time of the replay, so that durations stay
    the same.

    Args:
        started: begin of the replay, in seconds since the epoch.
    """

    def __init__(self, started: float) -> None:
        self._started = self._latest = started
        self._shift: float | None = None

    def of(self, event: ev.Event) -> float:
        """Return the time of an event, in seconds since the epoch; now, if the recording has no
        times.
        """
        if event.ts:
            if self._shift is None:
                self._shift = self._started - event.ts
            self._latest = event.ts + self._shift
        if self._shift is None:
            return time.time()
        return self._latest
