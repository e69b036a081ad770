"""The whole answer, asked for in another way where its stream fails before anything has come of it."""

import inspect
import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.detect import DetectingDecoder
from nbagent.errors import Cancelled, StreamError
from nbagent.events import Error, Event, File, RunEnd, RunStart, Status, TextDelta, TextEnd, ToolStart
from nbagent.runtime.loop import loop as own_loop
from nbagent.sources.objects import Reader, TaskReader, ThreadReader

_FAILED = ("failed", "incomplete")


class Ended(NamedTuple):
    """The stream is over; what comes of that is decided where its items are decoded."""

    error: BaseException | None


class Fallback:
    """A reader and its decoder, with another way to the same answer behind them.

    Args:
        reader: reads the stream.
        decoder: decodes it.
        ask: called once, with nothing, if need be. It gives a text, a response object or a stream; an async function is awaited
            on the loop that the stream was read on (on nbagent's own, if in a thread), any other runs in a thread.

    Raises:
        TypeError: `ask` is no function.
    """

    system: ClassVar[str] = "fallback"

    def __init__(self, reader: Reader, decoder: Decoder, ask: Callable[[], Any]) -> None:
        if not callable(ask):
            raise TypeError(f"fallback= is a function that gives the whole answer; got {type(ask).__name__}")
        self.loop = reader.loop
        self._decoder = decoder
        self._ask: Callable[[], Any] | None = ask
        self._lock = threading.Lock()
        self._reader = reader
        self._read: Reader | None = reader  # None while it is decided what its end means
        self._stopped = False
        self._begun = False
        self._has_content = False
        self._is_over = False
        self._asks = False
        self._why: str | None = None
        self._closing: list[Event] | None = None
        self._on_item: Callable[[Any], None] = lambda item: None
        self._on_end: Callable[[BaseException | None], None] = lambda error: None

    # --- the reader ---

    def start(self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]) -> None:
        """Begin to read."""
        self._on_item, self._on_end = on_item, on_end
        self._start(self._reader)

    def cancel(self) -> None:
        """Stop reading whichever is read."""
        self._stopped = True
        self._reader.cancel()

    def gives_up(self, error: StreamError) -> bool:
        """It took too long: whether the run goes on all the same, since another way is taken or silence is no wonder there."""
        first = self._reader
        if self._ask is None:
            return error.code == "idle_timeout"  # a whole answer says nothing until it is there
        self._over(first, error)
        if self._reader is first:
            return False
        first.cancel()
        return True

    def _start(self, reader: Reader) -> None:
        def on_item(item: Any) -> None:
            if self._read is reader:
                self._on_item(item)

        reader.start(on_item, lambda error: self._over(reader, error))

    def _over(self, reader: Reader, error: BaseException | None) -> None:
        with self._lock:
            if self._read is not reader:
                return  # it was given up
            self._read = None
        is_stopped = self._stopped or (isinstance(error, Cancelled) and self._closing is None)
        try:
            if self._ask is not None and not is_stopped:
                self._on_item(Ended(error))
                if self._asks:
                    self._fall_back(self._ask)
                    return
        except Exception as broken:  # a rule of the reader's raises, or there is no loop any more: the run ends all the same
            error = broken
        self._on_end(error)

    def _fall_back(self, ask: Callable[[], Any]) -> None:
        self._ask, self._asks = None, False
        is_async = inspect.iscoroutinefunction(ask)
        reader = TaskReader(ask(), self.loop or own_loop()) if is_async else ThreadReader(_answering(ask))
        self._reader = self._read = reader
        if self._stopped:  # meanwhile
            reader.cancel()
        self._start(reader)

    # --- the decoder ---

    @property
    def stream_outlives_run(self) -> bool:
        """Whether the service leaves its stream open after the run's end."""
        return bool(getattr(self._decoder, "stream_outlives_run", False))

    def feed(self, item: Any) -> Iterable[Event]:
        """The events that one item means."""
        if isinstance(item, Ended):
            return self._end(item.error)
        return self._unless_failed(self._once(self._decoder.feed(item)))

    def end_step(self) -> Iterable[Event]:
        """The current response is over."""
        return self._decoder.end_step()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """The stream is over, by itself or by `error`."""
        return self._closing if self._closing is not None else self._once(self._decoder.close(error))

    def _once(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events of both ways, which begin one run."""
        for event in events:
            match event:
                case RunStart() if self._begun:
                    continue
                case RunStart():
                    self._begun = True
                case TextDelta() | ToolStart() | File():
                    self._has_content = True
                case TextEnd():
                    self._has_content |= bool(event.text)
                case Error():
                    self._why = event.message
            yield event

    def _unless_failed(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events, but for the end of a run that says itself that it failed before anything came of it."""
        for event in events:
            if isinstance(event, RunEnd):
                if self._ask is not None and not self._came() and event.status in _FAILED:
                    self._closing = [event]
                    if self.stream_outlives_run:
                        self._reader.cancel()  # the service would keep the connection open for ever
                    continue
                self._is_over = True
            yield event

    def _came(self) -> bool:
        """Whether something of the answer has come."""
        return self._has_content

    def _end(self, error: BaseException | None) -> Iterable[Event]:
        if self._came() or self._is_over:
            return ()
        closing = self._closing or list(self._once(self._decoder.close(error)))
        end = next((event for event in closing if isinstance(event, RunEnd)), None)
        if self._came() or (end is not None and end.status not in _FAILED):
            self._closing = closing
            return ()
        self._asks, self._closing = True, None
        self._decoder = DetectingDecoder()
        why = self._why or str(error or "it broke off")
        told = Status(message=f"Streaming failed ({why}): the whole answer was asked for", level="warning")
        return [*(event for event in closing if not isinstance(event, Error | RunEnd)), told]


def _answering(ask: Callable[[], Any]) -> Iterator[Any]:
    answer = ask()
    if isinstance(answer, Awaitable | AsyncIterable):
        raise TypeError("fallback= is called in a thread; where it gives something to await, make it an `async def`")
    if isinstance(answer, str | dict) or hasattr(answer, "model_dump") or not isinstance(answer, Iterable):
        yield answer
    else:
        yield from answer
