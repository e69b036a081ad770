"""`Pipeline`: the stages of one stream, joined, and their end."""

import concurrent.futures
import contextvars
import functools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from nbagent import events as e
from nbagent.errors import Cancelled, StreamError
from nbagent.events.jsonable import is_encodable
from nbagent.mime import display_of
from nbagent.pump import Channel, ChannelSet
from nbagent.run.event_source import EventSource
from nbagent.run.iteration import SubscriberSet
from nbagent.run.late_text import Arrived, LateText, is_text, joined
from nbagent.run.reported_calls import ReportedCalls
from nbagent.run.state import RunState
from nbagent.run.telemetry import RunSpans
from nbagent.run.waiting import End
from nbagent.run.watchdog import Watchdog
from nbagent.runtime import work
from nbagent.runtime.one_shot import OneShotEvent
from nbagent.runtime.post_mortem import LastError
from nbagent.sources import recording

STOP_GRACE_S = 0.4
"""Seconds in which a stopped stream may end by itself.

Then the run ends without it, and what still comes is dropped.
"""


class Pipeline:
    """The events of a source pass the gate into the state, and from there to all who see them.

    Args:
        source: what the run reads.
        state: keeps what has come.
        timeout: seconds for the whole run; None for any time.
        idle_timeout: seconds between two items; None for any time.
        waits: returns True while the run waits for its reader, so that silence is no fault.
        cancel: cancels the run; called when a cell that iterates over it is interrupted.

    Attributes:
        source: what the run reads.
        channels: the ways of ops to renderers and views.
        subscribers: the iterations over the run's events.
        reported: joins the stream's calls with those that tools report themselves.
        recorders: files and spans that get every event.
        done: done when the run has ended, and everyone has the last events.
        ended: fires just before.
        on_finish: called when the last events have come, with the lock held.
    """

    def __init__(
        self,
        source: EventSource,
        state: RunState,
        *,
        timeout: float | None,
        idle_timeout: float | None,
        waits: Callable[[], bool],
        cancel: Callable[[], object],
    ) -> None:
        self.source = source
        self.channels = ChannelSet(state.transcript, state.lock)
        self.subscribers = SubscriberSet(state.events, state.lock, cancel, self._bring_up_to_date)
        self.reported = ReportedCalls()
        self.recorders: list[recording.Recorder | RunSpans] = []
        self.done: End = concurrent.futures.Future()
        self.ended = OneShotEvent()
        self.on_finish: Callable[[], object] = lambda: None
        self._state = state
        self._lock = state.lock
        self._late_text = LateText(self._add_late, self.channels.expect)
        state.bring_up_to_date = self._bring_up_to_date
        self._watchdog = Watchdog(timeout, idle_timeout, source, waits, self.on_timeout)
        self._is_open = False
        self._finished = False  # the last events are out
        # set by Stop and by a time-out; it outweighs how the stream then ends
        self._stop_reason: BaseException | None = None
        self._last_error = LastError()

    @property
    def is_finished(self) -> bool:
        """True if the last events have come; they may not be drawn yet."""
        return self._finished

    def claim(self) -> bool:
        """Return True for the first caller, who opens the pipeline; not if it has ended before."""
        with self._state.lock:
            is_first = not (self._is_open or self._finished)
            self._is_open = True
        return is_first

    def open(self, context: contextvars.Context) -> None:
        """Begin to read the source, in a context."""
        self._watchdog.start()
        context.run(self.source.open, self.take, self.finish)

    def open_channel(self, channel: Channel) -> None:
        """Add a channel; see `ChannelSet.open`."""
        self.channels.open(channel)

    def take(self, make: Callable[..., Iterable[e.Event]], *args: Any) -> None:
        """Take the next events of the source; see `event_source.Take`."""
        self._watchdog.touch()
        with self._lock:
            if self._finished:
                return
            events = list(make(*args))
            may_wait = self._late_text.waiting or self._may_wait
            if may_wait and self._late_text.offer(events):
                return
            self._late_text.release()
            if e.ToolResult not in map(type, events):
                self.forward(self.reported.join(events))
                return
        # Without the lock, for which Stop waits: drawing a figure takes time.
        drawn = [_with_display(event) for event in events]
        with self._state.lock:
            if not self._finished:
                self.forward(self.reported.join(drawn))

    def forward(self, events: Iterable[e.Event], arrived: float | None = None) -> None:
        """Pass events through the gate, and emit the visible ones. Called with the lock held.

        Args:
            events: the events.
            arrived: when they have come, in seconds since the epoch; None is now.
        """
        if arrived is None:
            arrived = time.time()
        for event in events:
            for shown in self._state.privacy.feed(event, arrived):
                self._emit(shown, arrived)
        self.subscribers.wake()

    @property
    def _may_wait(self) -> bool:
        """True if text may wait: nobody gets each event as it comes, and no rule of the user's,
        which may take long, has to be asked.
        """
        if self.recorders or self.subscribers:
            return False
        return self._state.privacy.shows_texts

    def _add_late(self, arrived: Sequence[Arrived]) -> None:
        """Pass deltas of one text that have waited, together."""
        whole = joined(arrived)
        # two halves of a surrogate pair would become one
        if len(arrived) == 1 or not is_encodable(whole.delta):
            for delta, at in arrived:
                self.forward(self.reported.join([delta]), at)
            return
        at = arrived[0].at
        for event in self.reported.join([whole]):
            for shown in self._state.privacy.feed(event, at):
                if is_text(shown) and shown.delta == whole.delta:  # none of it is held back
                    self.channels.send(self._state.add_text(shown, arrived))
                    at = arrived[-1].at
                else:
                    self._emit(shown, at)
        self.subscribers.wake()

    def _bring_up_to_date(self) -> None:
        """Pass what waits, for code that reads the state. A fault ends the run, not that code."""
        if not self._late_text.waiting:
            return
        try:
            with self._lock:
                self._late_text.release()
        except Exception as error:
            self._stop_reason = self._stop_reason or error
            work.start(functools.partial(self._fail, error), name="nbagent-end")

    def _fail(self, error: Exception) -> None:
        self.source.cancel()
        self.finish(error)

    def stop(self, by: str) -> None:
        """Stop the stream. It has a moment to end by itself."""
        with self._state.lock:
            if self._finished or self._stop_reason is not None:
                return
            self._stop_reason = Cancelled(by)
            self.channels.send(self._state.transcript.stopping(by))
        timer = work.later(STOP_GRACE_S, functools.partial(self.finish, self._stop_reason))
        self.done.add_done_callback(lambda _: timer.cancel())
        self.source.cancel()

    def finish(self, error: BaseException | None) -> None:
        """End the run: the source is over. A second call does nothing."""
        if self._close(error):
            self._announce_soon()

    def on_timeout(self, error: StreamError) -> bool:
        """Handle a time-out: end the run with its results so far.

        Returns True if a fallback takes over instead.
        """
        if self.source.outlasts(error):
            return True
        self._stop_reason = self._stop_reason or error
        is_over = self._close(error)
        # after the last events, or a lane would report this instead of the time-out
        self.source.cancel()
        if is_over:
            self._announce_soon()
        return False

    def _emit(self, event: e.Event, arrived: float | None = None) -> None:
        """Keep an event, record it, and draw it; see `forward`."""
        if type(event) is e.RunEnd:
            event = self._with_reason(event)
        event, ops = self._state.add(event, arrived)
        if type(event) is e.ToolResult and event.exception is not None:
            self._last_error.offer(event.exception.value)
        for recorder in self.recorders:
            recorder.keep(event)
        self.channels.send(ops)

    def _with_reason(self, end: e.RunEnd) -> e.RunEnd:
        """Return the end with who stopped the run: the service may have said first that it was
        cancelled.
        """
        if end.status != "cancelled" or not isinstance(self._stop_reason, Cancelled):
            return end
        return replace(end, meta={**(end.meta or {}), "stopped_by": self._stop_reason.by})

    def _close(self, error: BaseException | None) -> bool:
        """Emit the last events. Return False if that was done before."""
        state = self._state
        with self._lock:
            if self._finished:
                return False
            self._bring_up_to_date()
            self._finished = True
            self.on_finish()
            self._watchdog.stop()
            state.privacy.register_secrets(error)
            state.privacy.mask_error(error)
            error = self._stop_reason or error
            state.error = error
            if isinstance(error, Cancelled):
                state.error = None
            try:
                self.forward(self.reported.join(list(self.source.close(error))))
                if state.transcript.root.props["status"] == "completed":
                    state.error = None  # the stream was only left open
            except Exception as caught:  # a decoder's mistake must not keep the run from ending
                state.error = caught
            if not state.transcript.ended and state.error is not None:
                self._emit(e.RunEnd(status="failed"))
            elif not state.transcript.ended:
                self._emit(e.RunEnd(status="incomplete", code=e.STREAM_TRUNCATED))
        return True

    def _announce_soon(self) -> None:
        """Announce the end as soon as every renderer has got the last events."""
        for recorder in self.recorders:
            recorder.end()
        self.channels.finish(self._announce_end)

    def _announce_end(self) -> None:
        self._last_error.release()
        self.ended.fire()
        self.done.set_result(None)
        with self._state.lock:
            self.subscribers.wake(over=True)


def _with_display(event: e.Event) -> e.Event:
    if not isinstance(event, e.ToolResult) or event.value is None or event.display is not None:
        return event
    return replace(event, display=display_of(event.value.value))
