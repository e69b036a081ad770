"""The fallback of a run: asks for the whole answer if the stream fails, by default only before any
part of it has come.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

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
from nbagent.run.decoded_stream import DecodedStream
from nbagent.run.event_source import EventSource, OnEnd, Take
from nbagent.runtime.loop import loop as own_loop

_FAILED = ("failed", "incomplete")


class Fallback(EventSource):
    """A stream, and the fallback's answer in its place.

    The fallback is asked once, and only if the stream fails before any part of the answer has come,
    unless `after_output`.

    Args:
        stream: the stream.
        ask: called at most once, without arguments, in a thread. It returns the whole answer: a
            text, a response object or a stream; or an awaitable that gives one of these, as an
            `async def` does, which is awaited on the stream's loop (nbagent's own if the stream is
            read in a thread).
        after_output: fall back also when a part of the answer has come. That part stays, and the
            whole answer follows it.

    Raises:
        TypeError: `ask` is not a function.
    """

    def __init__(
        self, stream: EventSource, ask: Callable[[], Any], *, after_output: bool = False
    ) -> None:
        if not callable(ask):
            raise TypeError(
                "fallback= must be a function that returns the whole answer; got "
                f"{type(ask).__name__}"
            )
        self.info = stream.info
        self.loop = stream.loop
        self._stream = stream
        # None while it is decided what the stream's end means
        self._active: EventSource | None = stream
        self._ask: Callable[[], Any] | None = ask
        self._after_output = after_output
        self._lock = threading.Lock()
        self._stopped = False
        self._has_begun = False
        self._has_output = False
        self._has_ended = False
        self._has_fallen_back = False
        self._error_message: str | None = None
        # the end of the run, held back while there may be a fallback
        self._closing: list[Event] | None = None

    @property
    def has_idle_timeout(self) -> bool:
        """True if the stream fails by itself when it has been silent for too long."""
        return self._stream.has_idle_timeout

    def open(self, take: Take, on_end: OnEnd) -> None:
        """Begin to read."""
        self._take, self._on_end = take, on_end
        self._open(self._stream)

    def cancel(self) -> None:
        """Stop reading, the stream or the fallback's answer."""
        self._stopped = True
        self._stream.cancel()

    def outlasts(self, error: StreamError) -> bool:
        """Handle a time-out.

        Returns:
            True if the run continues: the fallback was started, or is already running and the
            time-out is an idle one.
        """
        first = self._stream
        if self._ask is None:
            return error.code == "idle_timeout"  # a whole answer comes at once, after a silence
        self._on_stream_end(first, error)
        if self._stream is first:
            return False
        first.cancel()
        return True

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """Return the last events."""
        if self._closing is not None:
            return self._closing
        return self._merge(self._stream.close(error))

    def _open(self, stream: EventSource) -> None:
        stream.open(partial(self._take, self._of, stream), partial(self._on_stream_end, stream))

    def _of(
        self, stream: EventSource, make: Callable[..., Iterable[Event]], *args: Any
    ) -> Iterable[Event]:
        """Yield the events of the stream or of the fallback; none of a stream that was given up."""
        if stream is not self._active:
            return ()
        return self._hold_failure(self._merge(make(*args)))

    def _on_stream_end(self, stream: EventSource, error: BaseException | None) -> None:
        with self._lock:
            if stream is not self._active:
                return  # the fallback has taken its place
            self._active = None
        is_stopped = self._stopped or (isinstance(error, Cancelled) and self._closing is None)
        ask, had_fallen_back = self._ask, self._has_fallen_back
        try:
            if ask is not None and not is_stopped:
                self._take(self._closing_events, error)
                if self._has_fallen_back and not had_fallen_back:
                    self._fall_back(ask)
                    return
        except Exception as caught:
            # A rule of the user's raises, or the loop is closed: the run ends all the same.
            error = caught
        self._on_end(error)

    def _fall_back(self, ask: Callable[[], Any]) -> None:
        self._ask = None
        reader = AnswerReader(ask, self.loop or own_loop())
        stream = DecodedStream(reader, DetectingDecoder(), self.info)
        self._stream = self._active = stream
        if self._stopped:  # while the fallback was prepared
            stream.cancel()
        self._open(stream)

    def _merge(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass on the events of the stream and of the fallback as those of one run, which starts
        once.
        """
        for event in events:
            match event:
                case RunStart() if self._has_begun:
                    continue
                case RunStart():
                    self._has_begun = True
                case TextDelta() | ToolStart() | File():
                    self._has_output = True
                case TextEnd():
                    self._has_output |= bool(event.text)
                case Error():
                    self._error_message = event.message
            if self._has_fallen_back:
                event = with_id_prefix(event, "fallback")
            yield event

    def _hold_failure(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass on the events, but hold back the `run.end` of a run that has failed if it may fall
        back.
        """
        for event in events:
            if isinstance(event, RunEnd):
                if self._ask is not None and self._may_fall_back() and event.status in _FAILED:
                    self._closing = [event]
                    continue
                self._has_ended = True
            yield event

    def _may_fall_back(self) -> bool:
        return self._after_output or not self._has_output

    def _closing_events(self, error: BaseException | None) -> Iterable[Event]:
        """Decide whether to fall back.

        Return the events that close what the stream has left open.
        """
        if not self._may_fall_back() or self._has_ended:
            return ()
        closing = self._closing or list(self._merge(self._stream.close(error)))
        end = next((event for event in closing if isinstance(event, RunEnd)), None)
        if not self._may_fall_back() or (end is not None and end.status not in _FAILED):
            self._closing = closing
            return ()
        self._has_fallen_back, self._closing = True, None
        reason = self._error_message or str(error or "it broke off")
        notice = Status(
            message=f"Streaming failed ({reason}): the whole answer was asked for",
            level="warning",
            meta={"answer_begins": True},  # read by `RunState`
        )
        return [*(event for event in closing if not isinstance(event, (Error, RunEnd))), notice]
