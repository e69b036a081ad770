"""Several streams watched as one: each in a lane of its own, in the order in which things arrive."""

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from msgspec.structs import replace

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.detect import DetectingDecoder
from nbagent.errors import Cancelled
from nbagent.events import (
    STREAM_TRUNCATED,
    AgentEnd,
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
from nbagent.runtime.loop import loop
from nbagent.sources.objects import Reader, name_of, reader_for

LANES_FAILED = "lanes_failed"
"""The code of a run in which some lanes did not complete."""

_IDS = ("id", "tool_id", "text_id", "approval_id")


class LaneStart(NamedTuple):
    """A stream is read from now on."""

    lane: int


class LaneItem(NamedTuple):
    """One item of one stream."""

    lane: int
    item: Any


class LaneEnd(NamedTuple):
    """A stream is over, by itself or by `error`."""

    lane: int
    error: BaseException | None


class Lanes:
    """Streams to be watched side by side. One that fails leaves the others.

    Args:
        sources: the streams; their names become the lanes'.
        adapter: the system of all of them; by default found for each by itself.
        concurrency: how many are read at a time; the others wait for their turn.

    Attributes:
        name: all their names.
        reader: reads them all.
        decoder: turns what it reads into one run's events.

    Raises:
        UnknownSource: one of them is not a stream, or no `adapter` has that name.
        ValueError: `concurrency` is not positive.
    """

    def __init__(self, sources: Sequence[Any], *, adapter: str | None = None, concurrency: int | None = None) -> None:
        if concurrency is not None and concurrency < 1:
            raise ValueError(f"concurrency is how many streams are read at a time, 1 or more; got {concurrency!r}")
        names = _names(sources)
        self.name = ", ".join(names)
        self.reader = LanesReader([reader_for(source) for source in sources], concurrency)
        decoders = [_decoder(source, adapter) for source in sources]
        self.decoder = LanesDecoder(names, decoders, self.reader.stop)


class LanesReader:
    """Reads several streams at a time, and hands on whose each item is."""

    def __init__(self, readers: Sequence[Reader], concurrency: int | None = None) -> None:
        loops = [reader.loop for reader in readers if reader.loop is not None]
        # Ours runs by itself; the user's has to be kept running by who waits on it.
        self.loop = next((home for home in loops if home is not loop()), loops[0] if loops else None)
        self._readers = readers
        self._room = concurrency or len(readers)
        self._lock = threading.Lock()
        self._waiting = deque(range(len(readers)))
        self._reading: set[int] = set()
        self._cancelled = False
        self._broken: Exception | None = None

    def start(self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]) -> None:
        """Begin to read."""
        self._on_item, self._on_end = on_item, on_end
        self._context = contextvars.copy_context()
        for _ in range(min(self._room, len(self._readers))):
            self._next()

    def stop(self, lane: int) -> None:
        """Stop reading one of them."""
        self._readers[lane].cancel()

    def cancel(self) -> None:
        """Stop reading all of them; those that wait are never begun."""
        with self._lock:
            self._cancelled = True
            self._waiting.clear()
            reading = tuple(self._reading)
        for lane in reading:
            self._readers[lane].cancel()

    def _next(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            lane = self._waiting.popleft()
            self._reading.add(lane)
        if not self._tell(LaneStart(lane)):
            self._forget(lane)
            return
        on_item, over = self._on_item, self._over
        self._context.copy().run(
            self._readers[lane].start, lambda item: on_item(LaneItem(lane, item)), lambda error: over(lane, error)
        )

    def _over(self, lane: int, error: BaseException | None) -> None:
        self._tell(LaneEnd(lane, error))
        self._next()
        self._forget(lane)

    def _tell(self, item: LaneStart | LaneEnd) -> bool:
        """Hand on what is none of the streams' own; what cannot be taken (a rule of the reader's raises) ends them all."""
        try:
            self._on_item(item)
        except Exception as broken:
            self._broken = self._broken or broken
            self.cancel()
            return False
        return True

    def _forget(self, lane: int) -> None:
        """One stream is over, and with the last one everything."""
        with self._lock:
            self._reading.discard(lane)
            is_last = not self._reading and not self._waiting
        if is_last:
            self._on_end(self._broken or (Cancelled() if self._cancelled else None))


class LanesDecoder:
    """One decoder for each lane; what they say becomes that of sub-agents of one run.

    Args:
        names: the lanes'.
        decoders: the lanes'.
        stop: called with the number of a lane whose run is over, and whose service would leave its stream open.
    """

    system: ClassVar[str] = "lanes"

    def __init__(
        self, names: Sequence[str], decoders: Sequence[Decoder], stop: Callable[[int], None] = lambda lane: None
    ) -> None:
        self._lanes = [
            _Lane(f"lane-{place}", name, decoder) for place, (name, decoder) in enumerate(zip(names, decoders, strict=True), 1)
        ]
        self._stop = stop
        self._begun = False
        self._over = False

    def feed(self, item: LaneStart | LaneItem | LaneEnd) -> Iterable[Event]:
        """The events that one item means."""
        if not self._begun:
            self._begun = True
            yield RunStart()
        lane = self._lanes[item.lane]
        match item:
            case LaneStart():
                yield AgentStart(id=lane.id, name=lane.name)
                lane.is_open = True
            case LaneEnd():
                yield from lane.close(item.error)
            case LaneItem() if lane.is_open:
                yield from lane.take(lane.decoder.feed(item.item))
                if lane.leaves_open():
                    self._stop(item.lane)

    def end_step(self) -> Iterable[Event]:
        """Each lane knows its own steps."""
        return ()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """All lanes are over."""
        if self._over:
            return
        self._over = True
        if not self._begun:
            yield RunStart()
        for lane in self._lanes:
            yield from lane.close(error)
        said = {lane.status for lane in self._lanes}
        if isinstance(error, Cancelled):
            yield RunEnd(status="cancelled", meta={"stopped_by": error.by})
        elif error is not None:
            yield RunEnd(status="failed", code=getattr(error, "code", None))
        elif len(said) == 1:
            yield RunEnd(status=said.pop())
        else:
            status: RunStatus = "paused" if "paused" in said else "incomplete"
            yield RunEnd(status=status, code=LANES_FAILED if status == "incomplete" else None)


class _Lane:
    """One stream's place in the run."""

    def __init__(self, id: str, name: str, decoder: Decoder) -> None:
        self.id = id
        self.name = name
        self.decoder = decoder
        self.is_open = False
        self.status: RunStatus = "incomplete"
        self._usage: Usage | None = None
        self._steps = Usage()

    def take(self, events: Iterable[Event]) -> Iterable[Event]:
        """Its events as events of the run: their ids are its own, and they stand inside it."""
        for event in events:
            match event:
                case RunStart():
                    pass
                case UsageUpdate(scope="run"):
                    self._usage = event.usage if event.mode == "replace" else (self._usage or Usage()) + event.usage
                case UsageUpdate():
                    pass  # the end of the step says it all
                case StepStart():
                    yield self._placed(replace(event, model=None))
                case StepEnd():
                    self._steps += event.usage or Usage()
                    yield self._placed(replace(event, usage=None))
                case RunEnd():
                    yield from self._end(event)
                case _:
                    yield self._placed(event)

    def leaves_open(self) -> bool:
        """Whether it is over, and its service would not say so by closing the stream."""
        return not self.is_open and bool(getattr(self.decoder, "stream_outlives_run", False))

    def close(self, error: BaseException | None) -> Iterable[Event]:
        """The stream is over."""
        if self.is_open:
            yield from self.take(self.decoder.close(error))

    def _end(self, event: RunEnd) -> Iterable[Event]:
        self.is_open = False
        self.status = event.status
        usage = event.usage or self._usage or self._steps
        if usage != Usage():
            yield UsageUpdate(usage=usage, mode="add")
        yield AgentEnd(
            id=self.id, status=event.status, meta={"code": STREAM_TRUNCATED} if event.code == STREAM_TRUNCATED else None
        )

    def _placed(self, event: Event) -> Event:
        own = {name: f"{self.id}/{given}" for name in _IDS if isinstance(given := getattr(event, name, None), str)}
        parent = self.id if event.parent_id is None else f"{self.id}/{event.parent_id}"
        return replace(event, parent_id=parent, agent=event.agent or self.name, **own)


def _decoder(source: Any, adapter: str | None) -> Decoder:
    return DetectingDecoder(lambda: getattr(source, "adapter", None)) if adapter is None else decoder_named(adapter)


def _names(sources: Sequence[Any]) -> list[str]:
    """The sources' names, numbered where they are the same."""
    names = [name_of(source) for source in sources]
    return [name if names.count(name) == 1 else f"{name} {names[: place + 1].count(name)}" for place, name in enumerate(names)]
