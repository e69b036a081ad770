"""The fallback of a run: asks for the whole answer if the stream fails, by default only before any
part of it has come.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.detect import DetectingDecoder
from nbagent.errors import Cancelled, StreamError
from nbagent.events import (
    Error,
    Event,
    File,
    RunEnd,
    RunStart,
    Status,
    TextDelta,
    TextEnd,
    ToolStart,
)
from nbagent.events.ids import with_id_prefix
from nbagent.run.answer_reader import AnswerReader
from nbagent.run.successive import SuccessiveStreams
from nbagent.runtime.loop import loop as own_loop
from nbagent.sources.objects import Reader

_FAILED = ("failed", "incomplete")


class StreamEnd(NamedTuple):
    """An item that stands for the stream's end, so that the decoder decides, in its turn, whether
    to fall back.
    """

    error: BaseException | None


class Fallback(SuccessiveStreams):
    """A stream, and the fallback's answer in its place.

    The fallback is asked once, and only if the stream fails before any part of the answer has come,
    unless `after_output`.

    Args:
        reader: reads the stream.
        decoder: decodes the stream.
        ask: called at most once, without arguments, in a thread. It returns the whole answer: a
            text, a response object or a stream; or an awaitable that gives one of these, as an
            `async def` does, which is awaited on the stream's loop (nbagent's own if the stream is
            read in a thread).
        after_output: fall back also when a part of the answer has come. That part stays, and the
            whole answer follows it.

    Raises:
        TypeError: `ask` is not a function.
    """

    system: ClassVar[str] = "fallback"

    def __init__(
        self,
        reader: Reader,
        decoder: Decoder,
        ask: Callable[[], Any],
        *,
        after_output: bool = False,
    ) -> None:
        if not callable(ask):
            raise TypeError(
                "fallback= must be a function that returns the whole answer; got "
                f"{type(ask).__name__}"
            )
        super().__init__(reader, decoder)
        self._ask: Callable[[], Any] | None = ask
        self._after_output = after_output
        self._active_reader: Reader | None = (
            reader  # None while the decoder decides what its end means
        )
        self._run_started = False
        self._has_output = False
        self._has_fallen_back = False
        self._run_ended = False
        self._fallback_pending = False
        self._error_message: str | None = None
        self._closing: list[Event] | None = (
            None  # the end of the run, held back while there may be a fallback
        )

    # --- the reader ---

    def cancel(self) -> None:
        """Stop reading, the stream or the fallback's answer."""
        self._stopped = True
        self._reader.cancel()

    def on_timeout(self, error: StreamError) -> bool:
        """Handle a timeout.

        Returns:
            True if the run continues: the fallback was started, or is already running and the
            timeout is an idle one.
        """
        first = self._reader
        if self._ask is None:
            return error.code == "idle_timeout"  # a whole answer comes at once, after a silence
        self._on_reader_end(first, error)
        if self._reader is first:
            return False
        first.cancel()
        return True

    def _start(self, reader: Reader) -> None:
        def on_item(item: Any) -> None:
            if self._active_reader is reader:
                self._on_item(item)

        reader.start(on_item, lambda error: self._on_reader_end(reader, error))

    def _on_reader_end(self, reader: Reader, error: BaseException | None) -> None:
        with self._lock:
            if self._active_reader is not reader:
                return  # the fallback has taken its place
            self._active_reader = None
        is_stopped = self._stopped or (isinstance(error, Cancelled) and self._closing is None)
        try:
            if self._ask is not None and not is_stopped:
                self._on_item(StreamEnd(error))
                if self._fallback_pending:
                    self._fall_back(self._ask)
                    return
        except Exception as caught:  # a rule of the user's raises, or the loop is closed: the run ends all the same
            error = caught
        self._on_end(error)

    def _fall_back(self, ask: Callable[[], Any]) -> None:
        self._ask, self._fallback_pending = None, False
        reader = AnswerReader(ask, self.loop or own_loop())
        self._reader = self._active_reader = reader
        if self._stopped:  # while the fallback was prepared
            reader.cancel()
        self._start(reader)

    # --- the decoder ---

    def feed(self, item: Any) -> Iterable[Event]:
        """Return the events of one item."""
        if isinstance(item, StreamEnd):
            return self._on_stream_end(item.error)
        return self._hold_failure(self._merge(self._decoder.feed(item)))

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """End the run, by EOF or by `error`."""
        return (
            self._closing if self._closing is not None else self._merge(self._decoder.close(error))
        )

    def _merge(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass on the events of the stream and of the fallback as those of one run, which starts
        once.
        """
        for event in events:
            match event:
                case RunStart() if self._run_started:
                    continue
                case RunStart():
                    self._run_started = True
                case TextDelta() | ToolStart() | File():
                    self._has_output = True
                case TextEnd():
                    self._has_output |= bool(event.text)
                case Error():
                    self._error_message = event.message
            yield with_id_prefix(event, "fallback") if self._has_fallen_back else event

    def _hold_failure(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass on the events, but hold back the `run.end` of a run that has failed if it may fall
        back.
        """
        for event in events:
            if isinstance(event, RunEnd):
                if self._ask is not None and self._may_fall_back() and event.status in _FAILED:
                    self._closing = [event]
                    if self.stream_outlives_run:
                        self._reader.cancel()  # the service would keep the connection open for ever
                    continue
                self._run_ended = True
            yield event

    def _may_fall_back(self) -> bool:
        return self._after_output or not self._has_output

    def _on_stream_end(self, error: BaseException | None) -> Iterable[Event]:
        """Decide whether to fall back.

        Return the events that close what the stream has left open.
        """
        if not self._may_fall_back() or self._run_ended:
            return ()
        closing = self._closing or list(self._merge(self._decoder.close(error)))
        end = next((event for event in closing if isinstance(event, RunEnd)), None)
        if not self._may_fall_back() or (end is not None and end.status not in _FAILED):
            self._closing = closing
            return ()
        self._fallback_pending, self._has_fallen_back, self._closing = True, True, None
        self._decoder = DetectingDecoder()
        reason = self._error_message or str(error or "it broke off")
        notice = Status(
            message=f"Streaming failed ({reason}): the whole answer was asked for", level="warning"
        )
        return [*(event for event in closing if not isinstance(event, Error | RunEnd)), notice]
