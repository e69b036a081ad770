"""The whole answer, asked for in another way where its stream fails before anything has come of it."""

import inspect
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

from nbagent.adapters.decoder import Decoder
from nbagent.adapters.detect import DetectingDecoder
from nbagent.errors import Cancelled
from nbagent.events import Error, Event, File, RunEnd, RunStart, Status, TextDelta, TextEnd, ToolStart
from nbagent.sources.objects import Reader, reader_for


class _Ended(NamedTuple):
    """The stream is over; what comes of that is decided where its items are decoded."""

    error: BaseException | None


class Fallback:
    """A reader and its decoder, with another way to the same answer behind them.

    Args:
        reader: reads the stream.
        decoder: decodes it.
        ask: called once, with nothing, if need be. It gives a text, a response object or a stream; an async function is awaited
            where the stream was read, any other runs in a thread.
    """

    system: ClassVar[str] = "fallback"

    def __init__(self, reader: Reader, decoder: Decoder, ask: Callable[[], Any]) -> None:
        self.loop = reader.loop
        self._reader = reader
        self._decoder = decoder
        self._ask: Callable[[], Any] | None = ask
        self._begun = False
        self._has_content = False
        self._asks = False
        self._closing: list[Event] | None = None
        self._on_item: Callable[[Any], None] = lambda item: None
        self._on_end: Callable[[BaseException | None], None] = lambda error: None

    # --- the reader ---

    def start(self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]) -> None:
        """Begin to read."""
        self._on_item, self._on_end = on_item, on_end
        self._read(self._reader)

    def cancel(self) -> None:
        """Stop reading whichever is read."""
        self._ask = None
        self._reader.cancel()

    def gives_up(self, error: BaseException) -> bool:
        """The stream took too long: whether the other way is taken instead."""
        first = self._reader
        if self._ask is None:
            return False
        self._over(first, error)
        if self._reader is first:
            return False
        first.cancel()
        return True

    def _read(self, reader: Reader) -> None:
        def on_item(item: Any) -> None:
            if self._reader is reader:
                self._on_item(item)

        reader.start(on_item, lambda error: self._over(reader, error))

    def _over(self, reader: Reader, error: BaseException | None) -> None:
        if self._reader is not reader:
            return  # it was given up
        ask = self._ask
        if ask is not None and not isinstance(error, Cancelled):
            self._on_item(_Ended(error))
            if self._asks:
                self._asks, self._ask = False, None
                self._reader = reader_for(ask() if inspect.iscoroutinefunction(ask) else _answering(ask))
                self._read(self._reader)
                return
        self._on_end(error)

    # --- the decoder ---

    @property
    def ends_itself(self) -> bool:
        """Whether the service leaves its stream open after the run's end."""
        return bool(getattr(self._decoder, "ends_itself", False))

    def feed(self, item: Any) -> Iterable[Event]:
        """The events that one item means."""
        if isinstance(item, _Ended):
            return self._end(item.error)
        return self._once(self._decoder.feed(item))

    def end_step(self) -> Iterable[Event]:
        """The current response is over."""
        return self._decoder.end_step()

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """The stream is over, by itself or by `error`."""
        return self._closing if self._closing is not None else self._once(self._decoder.close(error))

    def _once(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events of both ways, which begin one run."""
        for event in events:
            if isinstance(event, RunStart):
                if self._begun:
                    continue
                self._begun = True
            self._has_content |= isinstance(event, TextDelta | ToolStart | File) or (
                isinstance(event, TextEnd) and bool(event.text)
            )
            yield event

    def _came(self) -> bool:
        """Whether something of the answer has come."""
        return self._has_content

    def _end(self, error: BaseException | None) -> Iterable[Event]:
        if self._came():
            return ()
        closing = list(self._once(self._decoder.close(error)))
        end = next((event for event in closing if isinstance(event, RunEnd)), None)
        if self._came() or (end is not None and end.status not in ("failed", "incomplete")):
            self._closing = closing
            return ()
        self._asks = True
        self._decoder = DetectingDecoder()
        why = next((event.message for event in closing if isinstance(event, Error)), str(error or "it broke off"))
        start = [event for event in closing if isinstance(event, RunStart)]
        return [*start, Status(message=f"Streaming failed ({why}): the whole answer was asked for", level="warning")]


def _answering(ask: Callable[[], Any]) -> Iterator[Any]:
    answer = ask()
    if isinstance(answer, Awaitable | AsyncIterable):
        raise TypeError("fallback= is called in a thread; where it gives something to await, make it an `async def`")
    if isinstance(answer, str | dict) or hasattr(answer, "model_dump") or not isinstance(answer, Iterable):
        yield answer
    else:
        yield from answer
