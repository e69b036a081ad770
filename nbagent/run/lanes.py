"""Several streams as one run: each in a lane of its own, their items in the order in which they
arrive.
"""

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from msgspec.structs import replace

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.detect import stream_outlives_run
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
from nbagent.run.adapter import Converter, decoder_of
from nbagent.run.continuation import continued
from nbagent.run_context import CURRENT_RUN
from nbagent.runtime.loop import loop
from nbagent.sources.connect import is_address
from nbagent.sources.objects import Reader, is_stream, name_and_origin, reader_for
from nbagent.sources.stream import limit_idle
from nbagent.transcript import StreamName

LANES_FAILED = "lanes_failed"
"""Code of a run in which some lanes did not complete."""


MAX_NAMES = 4
"""Streams whose names together are a run's name: more would leave no room for its status."""


class LaneStart(NamedTuple):
    """Item that begins a lane: its stream is being read now."""

    lane: int


class LaneItem(NamedTuple):
    """Item of one stream, with the index of its lane."""

    lane: int
    item: Any


class LaneEnd(NamedTuple):
    """Item that ends a lane: its stream is over, by EOF or by `error`."""

    lane: int
    error: BaseException | None


class Lanes:
    """Streams that are watched side by side. One that fails leaves the others running.

    Args:
        sources: the streams.
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
        reader: reads all streams.
        decoder: decodes the reader's items to the events of one run.

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
        sources = [limit_idle(source, idle_timeout) for source in sources]
        self.count = len(sources)
        known = [
            name_and_origin(source) if name is None else (name, "user")
            for name, source in zip(names or [None] * self.count, sources, strict=True)
        ]
        shown = [name for name, _ in known]
        is_short = self.count <= MAX_NAMES and len(set(shown)) == self.count
        self.name = ", ".join(shown) if is_short else f"{self.count} streams"
        pairs = [
            continued(reader_for(source), decoder_of(adapter, source), source) for source in sources
        ]
        readers, decoders = [reader for reader, _ in pairs], [decoder for _, decoder in pairs]
        self.reader = LanesReader(readers, concurrency)
        lane_names = [
            StreamName(name, origin)
            for name, (_, origin) in zip(_numbered(shown), known, strict=True)
        ]
        self.decoder = LanesDecoder(lane_names, decoders, self.reader.stop)


def lane_id(index: int) -> str:
    """Return the id of a lane by its position, from 0."""
    return f"lane-{index + 1}"


class LanesReader:
    """Reads several streams at a time. Its items are `LaneStart`, `LaneItem` and `LaneEnd`."""

    def __init__(self, readers: Sequence[Reader], concurrency: int | None = None) -> None:
        loops = [reader.loop for reader in readers if reader.loop is not None]
        # The user's loop, if there is one: a wait inside it must keep it running, while nbagent's
        # own loop runs by itself.
        self.loop = next(
            (home for home in loops if home is not loop()), loops[0] if loops else None
        )
        self._readers = readers
        self._concurrency = concurrency or len(readers)
        self._lock = threading.Lock()
        self._waiting = deque(range(len(readers)))
        self._reading: set[int] = set()
        self._cancelled = False
        self._error: Exception | None = None

    @property
    def has_idle_timeout(self) -> bool:
        """True if one of the streams being read has its own idle timeout, in bytes: it may go on
        without items.
        """
        with self._lock:
            return any(self._readers[lane].has_idle_timeout for lane in self._reading)

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read."""
        self._on_item, self._on_end = on_item, on_end
        self._context = contextvars.copy_context()
        for _ in range(min(self._concurrency, len(self._readers))):
            self._start_next()

    def stop(self, lane: int) -> None:
        """Stop reading one stream."""
        self._readers[lane].cancel()

    def cancel(self) -> None:
        """Stop reading all streams. Those that wait for their turn are never begun."""
        with self._lock:
            self._cancelled = True
            self._waiting.clear()
            reading = tuple(self._reading)
        for lane in reading:
            self._readers[lane].cancel()

    def _start_next(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            lane = self._waiting.popleft()
            self._reading.add(lane)
        if not self._hand_on(LaneStart(lane)):
            self._remove(lane)
            return
        on_item, on_lane_end = self._on_item, self._on_lane_end
        context = self._context.copy()
        if (around := context.get(CURRENT_RUN)) is not None:
            context.run(CURRENT_RUN.set, around.in_lane(lane_id(lane)))
        context.run(
            self._readers[lane].start,
            lambda item: on_item(LaneItem(lane, item)),
            lambda error: on_lane_end(lane, error),
        )

    def _on_lane_end(self, lane: int, error: BaseException | None) -> None:
        self._hand_on(LaneEnd(lane, error))
        self._start_next()
        self._remove(lane)

    def _hand_on(self, item: LaneStart | LaneEnd) -> bool:
        """Hand on an item.

        If that raises (in a rule of the user's), cancel all streams and return False.
        """
        try:
            self._on_item(item)
        except Exception as error:
            self._error = self._error or error
            self.cancel()
            return False
        return True

    def _remove(self, lane: int) -> None:
        """Remove a stream that is over. After the last one the run ends."""
        with self._lock:
            self._reading.discard(lane)
            is_last = not self._reading and not self._waiting
        if is_last:
            self._on_end(self._error or (Cancelled() if self._cancelled else None))


class LanesDecoder:
    """Decodes each lane by a decoder of its own.

    Their events become those of sub-agents of one run.

    Args:
        names: of the lanes.
        decoders: of the lanes.
        stop: called with the index of a lane whose run is over and whose service leaves its stream
            open.
    """

    system: ClassVar[str] = "lanes"

    def __init__(
        self,
        names: Sequence[StreamName],
        decoders: Sequence[Decoder],
        stop: Callable[[int], None] = lambda lane: None,
    ) -> None:
        self._lanes = [
            _Lane(lane_id(index), name, decoder)
            for index, (name, decoder) in enumerate(zip(names, decoders, strict=True))
        ]
        self._stop = stop
        self._started = False
        self._ended = False

    def feed(self, item: LaneStart | LaneItem | LaneEnd) -> Iterable[Event]:
        """Yield the events of one item."""
        if not self._started:
            self._started = True
            yield RunStart(meta={"lanes": len(self._lanes)})
        lane = self._lanes[item.lane]
        match item:
            case LaneStart():
                yield AgentStart(id=lane.id, name=lane.name)
                lane.is_open = True
            case LaneEnd():
                yield from lane.close(item.error)
            case LaneItem() if lane.is_open:
                for event in lane.decoder.feed(item.item):
                    if isinstance(event, RunStart | StepStart) and lane.renamed(
                        event, self._names()
                    ):
                        yield AgentStart(id=lane.id, name=lane.name)
                    yield from lane.translate(event)
                if lane.outlived_by_stream():
                    self._stop(item.lane)

    def _names(self) -> list[str]:
        return [lane.name for lane in self._lanes]

    def end_step(self) -> Iterable[Event]:
        """Return nothing: the lanes' own decoders end their steps."""
        return ()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """End the run: close the lanes that are open."""
        if self._ended:
            return
        self._ended = True
        if not self._started:
            yield RunStart(meta={"lanes": len(self._lanes)})
        for lane in self._lanes:
            yield from lane.close(error)
        statuses = {lane.status for lane in self._lanes}
        if isinstance(error, Cancelled):
            yield RunEnd(status="cancelled", meta={"stopped_by": error.by})
        elif error is not None:
            yield RunEnd(status="failed", code=getattr(error, "code", None))
        elif len(statuses) == 1:
            yield RunEnd(status=statuses.pop())
        else:
            status: RunStatus = "paused" if "paused" in statuses else "incomplete"
            yield RunEnd(status=status, code=LANES_FAILED if status == "incomplete" else None)


class _Lane:
    """Stream that is shown as a sub-agent of the run."""

    def __init__(self, id: str, name: StreamName, decoder: Decoder) -> None:
        self.id = id
        self.name = name.text
        self._stream_name = name
        self.decoder = decoder
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
        name, number = self._stream_name.text, 1
        while (made := name if number == 1 else f"{name} {number}") in taken:
            number += 1
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
                self._usage = (
                    event.usage
                    if event.mode == "replace"
                    else (self._usage or Usage()) + event.usage
                )
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

    def outlived_by_stream(self) -> bool:
        """Return True if the lane's run is over, and its service leaves the stream open."""
        return not self.is_open and stream_outlives_run(self.decoder)

    def close(self, error: BaseException | None) -> Iterable[Event]:
        """End the lane, if it is open."""
        if self.is_open:
            for event in self.decoder.close(error):
                yield from self.translate(event)

    def _end(self, event: RunEnd) -> Iterable[Event]:
        self.is_open = False
        self.status = event.status
        usage = event.usage or self._usage or self._steps
        if usage != Usage():
            yield UsageUpdate(usage=usage, mode="add", parent_id=self.id)
        used = usage if usage != Usage() else None
        yield agent_end(self.id, event, output=event.output, usage=used, value=event.value)

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
    if not isinstance(source, list | tuple) or not any(map(is_stream, source)):
        return None
    return [(None, stream) for stream in source]


def _may_be_stream(value: Any) -> bool:
    return is_address(value) or not isinstance(
        value, str | bytes | int | float | dict | list | tuple | None
    )


def _numbered(names: Sequence[str]) -> list[str]:
    """Return the names with a number where two are the same."""
    return [
        name if names.count(name) == 1 else f"{name} {names[: index + 1].count(name)}"
        for index, name in enumerate(names)
    ]
