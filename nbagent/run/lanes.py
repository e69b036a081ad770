"""Several streams as one run: each in a lane of its own, their events in the order in which they
arrive.
"""

import asyncio
import contextvars
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import NoneType
from typing import Any

from msgspec.structs import replace

from nbagent.errors import Cancelled
from nbagent.events import (
    AgentStart,
    Event,
    RunEnd,
    RunStart,
    RunStatus,
    StepEnd,
    StepStart,
    Usage,
    UsageUpdate,
)
from nbagent.events.agent_end import agent_end
from nbagent.events.ids import with_id_prefix
from nbagent.run.adapter import Converter
from nbagent.run.decoded import decoded
from nbagent.run.event_source import EventSource, OnEnd, Take
from nbagent.run_context import CURRENT_RUN
from nbagent.runtime.loop import loop
from nbagent.sources.connect import is_address
from nbagent.sources.info import SourceInfo
from nbagent.sources.objects import is_stream
from nbagent.transcript import NameOrigin, StreamName

LANES_FAILED = "lanes_failed"
"""Code of a run in which some lanes did not complete."""


MAX_NAMES = 4
"""Streams whose names together are a run's name: more would leave no room for its status."""


class Lanes(EventSource):
    """Streams that are watched side by side: each a sub-agent of one run, with a lane of its own.

    Their events come in the order in which they arrive. One that fails leaves the others running.

    Args:
        sources: the streams; any that `nbagent.show` takes.
        names: of the lanes; for None, the stream's own, which gives way to its agent's or model's
            as that of a run does. Where two are the same they get numbers.
        adapter: the system of all of them; by default each is detected by itself.
        concurrency: how many are read at a time; the others wait for their turn.
        idle_timeout: seconds for which a service's stream may be silent, if it does not have a
            shorter limit.

    Attributes:
        name: the names of all streams, or their number if there are many or if two have the same
            name.
        count: number of streams.

    Raises:
        UnknownSource: one of them is not a stream, or no `adapter` has that name.
        ValueError: `concurrency` or `idle_timeout` is not positive.
    """

    def __init__(
        self,
        sources: Sequence[Any],
        *,
        names: Sequence[str | None] = (),
        adapter: str | Converter | None = None,
        concurrency: int | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        if concurrency is not None and concurrency < 1:
            raise ValueError(
                "concurrency, the number of streams read at a time, must be at least 1; got "
                f"{concurrency!r}"
            )
        self.count = len(sources)
        streams = [decoded(source, adapter, idle_timeout=idle_timeout) for source in sources]
        named = _named(streams, names)
        shown = [name for name, _ in named]
        self.name = f"{self.count} streams"
        if self.count <= MAX_NAMES and len(set(shown)) == self.count:
            self.name = ", ".join(shown)
        self._lanes: list[_Lane] = []
        for stream, distinct, name in zip(streams, _numbered(shown), named, strict=True):
            lane = _Lane(lane_id(len(self._lanes)), distinct, StreamName(*name), stream)
            self._lanes.append(lane)
        tools = [tool for stream in streams for tool in stream.info.tools]
        self.info = SourceInfo(name=self.name, streams=self.count, tools=tools)
        self.loop = _loop_of(streams)
        self._concurrency = concurrency or self.count
        self._lock = threading.Lock()
        self._waiting = deque(self._lanes)
        self._reading: list[_Lane] = []
        self._has_begun = False
        self._has_ended = False
        self._cancelled = False
        self._error: Exception | None = None

    @property
    def has_idle_timeout(self) -> bool:
        """True if one of the streams being read has its own idle timeout, in bytes: it may go on
        without items.
        """
        with self._lock:
            return any(lane.stream.has_idle_timeout for lane in self._reading)

    def open(self, take: Take, on_end: OnEnd) -> None:
        """Begin to read."""
        self._take, self._on_end = take, on_end
        self._context = contextvars.copy_context()
        for _ in range(min(self._concurrency, self.count)):
            self._open_next()

    def cancel(self) -> None:
        """Stop reading all streams. Those that wait for their turn are never begun."""
        with self._lock:
            self._cancelled = True
            self._waiting.clear()
            reading = tuple(self._reading)
        for lane in reading:
            lane.stream.cancel()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """End the run: close the lanes that are open."""
        if self._has_ended:
            return
        self._has_ended = True
        yield from self._begin()
        for lane in self._lanes:
            yield from lane.close(error)
        statuses = {lane.status for lane in self._lanes}
        if isinstance(error, Cancelled):
            yield RunEnd(status="cancelled", meta={"stopped_by": error.by})
        elif error is not None:
            yield RunEnd(status="failed", code=getattr(error, "code", None))
        elif len(statuses) == 1:
            yield RunEnd(status=statuses.pop())
        elif "paused" in statuses:
            yield RunEnd(status="paused")
        else:
            yield RunEnd(status="incomplete", code=LANES_FAILED)

    def _open_next(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            lane = self._waiting.popleft()
            self._reading.append(lane)
        if not self._hand_on(self._begin_lane, lane):
            self._remove(lane)
            return
        context = self._context.copy()
        if (around := context.get(CURRENT_RUN)) is not None:
            context.run(CURRENT_RUN.set, around.in_lane(lane.id))
        take = partial(self._take, self._in_lane, lane)
        context.run(lane.stream.open, take, partial(self._on_lane_end, lane))

    def _on_lane_end(self, lane: "_Lane", error: BaseException | None) -> None:
        self._hand_on(lane.close, error)
        self._open_next()
        self._remove(lane)

    def _hand_on(self, make: Callable[..., Iterable[Event]], *args: Any) -> bool:
        """Hand on events.

        If that raises (in a rule of the user's), cancel all streams and return False.
        """
        try:
            self._take(make, *args)
        except Exception as error:
            self._error = self._error or error
            self.cancel()
            return False
        return True

    def _remove(self, lane: "_Lane") -> None:
        """Remove a stream that is over. After the last one the run ends."""
        with self._lock:
            self._reading.remove(lane)
            is_last = not self._reading and not self._waiting
        if not is_last:
            return
        error: BaseException | None = self._error
        if error is None and self._cancelled:
            error = Cancelled()
        self._on_end(error)

    def _begin(self) -> Iterable[Event]:
        if not self._has_begun:
            self._has_begun = True
            yield RunStart(meta={"lanes": self.count})

    def _begin_lane(self, lane: "_Lane") -> Iterable[Event]:
        yield from self._begin()
        yield AgentStart(id=lane.id, name=lane.name)
        lane.is_open = True

    def _in_lane(
        self, lane: "_Lane", make: Callable[..., Iterable[Event]], *args: Any
    ) -> Iterable[Event]:
        """Yield the events of one of the streams as those of its lane."""
        if not lane.is_open:
            return
        for event in make(*args):
            if isinstance(event, (RunStart, StepStart)) and lane.renamed(
                event, self._taken_names()
            ):
                yield AgentStart(id=lane.id, name=lane.name)
            yield from lane.translate(event)

    def _taken_names(self) -> list[str]:
        return [lane.name for lane in self._lanes]


def lane_id(index: int) -> str:
    """Return the id of a lane by its position, from 0."""
    return f"lane-{index + 1}"


class _Lane:
    """Stream that is shown as a sub-agent of the run."""

    def __init__(self, id: str, name: str, stream_name: StreamName, stream: EventSource) -> None:
        self.id = id
        self.name = name
        self.stream = stream
        self._stream_name = stream_name
        self.is_open = False
        self.status: RunStatus = "incomplete"
        self._usage: Usage | None = None
        self._steps = Usage()

    def renamed(self, event: RunStart | StepStart, taken: Sequence[str]) -> bool:
        """Return True if the lane has another name from this event on: its agent's or model's, with
        a number if it is taken.
        """
        if not self._stream_name.feed(event):
            return False
        name = made = self._stream_name.text
        number = 1
        while made in taken:
            number += 1
            made = f"{name} {number}"
        self.name = made
        return True

    def translate(self, event: Event) -> Iterable[Event]:
        """Yield the stream's event as one of the run: with the lane's prefix in its ids, and the
        lane as its parent.
        """
        match event:
            case RunStart():
                pass
            case UsageUpdate(scope="run"):
                if event.mode == "replace":
                    self._usage = event.usage
                else:
                    self._usage = (self._usage or Usage()) + event.usage
            case UsageUpdate():
                pass  # the step's end has the same usage
            case StepStart():
                yield self._nested(replace(event, model=None))
            case StepEnd():
                self._steps += event.usage or Usage()
                yield self._nested(replace(event, usage=None))
            case RunEnd():
                yield from self._end(event)
            case _:
                yield self._nested(event)

    def close(self, error: BaseException | None) -> Iterable[Event]:
        """End the lane, if it is open."""
        if self.is_open:
            for event in self.stream.close(error):
                yield from self.translate(event)

    def _end(self, event: RunEnd) -> Iterable[Event]:
        self.is_open = False
        self.status = event.status
        usage: Usage | None = event.usage or self._usage or self._steps
        if usage == Usage():
            usage = None
        if usage is not None:
            yield UsageUpdate(usage=usage, mode="add", parent_id=self.id)
        yield agent_end(self.id, event, output=event.output, usage=usage, value=event.value)

    def _nested(self, event: Event) -> Event:
        own = with_id_prefix(event, self.id)
        return replace(own, parent_id=own.parent_id or self.id, agent=event.agent or self.name)


def streams_in(source: Any) -> list[tuple[str | None, Any]] | None:
    """Return the streams of a dict, list or tuple with their names, which only a dict gives.

    None for any other source.

    A dict that is an item itself, such as a response, holds plain data; so does a list of items or
    of texts.
    """
    if isinstance(source, dict) and source and all(map(_may_be_stream, source.values())):
        return [(str(name), stream) for name, stream in source.items()]
    # An address among texts is a text; one beside a stream is a stream.
    if not isinstance(source, (list, tuple)) or not any(map(is_stream, source)):
        return None
    return [(None, stream) for stream in source]


def _loop_of(streams: Sequence[EventSource]) -> asyncio.AbstractEventLoop | None:
    """Return the loop that a wait for all the streams must keep running.

    That is the user's, if one is read there: nbagent's own runs by itself.
    """
    loops = [stream.loop for stream in streams if stream.loop is not None]
    theirs = [each for each in loops if each is not loop()]
    return next(iter([*theirs, *loops]), None)


def _may_be_stream(value: Any) -> bool:
    return is_address(value) or not isinstance(
        value, (str, bytes, int, float, dict, list, tuple, NoneType)
    )


def _named(
    streams: Sequence[EventSource], names: Sequence[str | None]
) -> list[tuple[str, NameOrigin]]:
    """Return the names of the streams, the given ones or their own, and where each is from."""
    made: list[tuple[str, NameOrigin]] = []
    for stream, name in zip(streams, names or [None] * len(streams), strict=True):
        if name is None:
            made.append((stream.info.name, stream.info.origin))
        else:
            made.append((name, "user"))
    return made


def _numbered(names: Sequence[str]) -> list[str]:
    """Return the names with a number where two are the same."""
    used: Counter[str] = Counter()
    made: list[str] = []
    for name in names:
        used[name] += 1
        made.append(f"{name} {used[name]}" if names.count(name) > 1 else name)
    return made
