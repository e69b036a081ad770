"""`Run`: the controller that joins source, decoder, gate, transcript and renderers for one stream,
and owns its life.
"""

import concurrent.futures
import contextvars
import functools
import itertools
import reprlib
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, NoReturn, Unpack

import msgspec

from nbagent import events as e
from nbagent.adapters.base.decoder import Decoder
from nbagent.errors import Cancelled, StreamError
from nbagent.gate import Gate
from nbagent.mime import display_of
from nbagent.mime.text import MASK
from nbagent.pump import BATCH_INTERVAL_S, ChannelSet, LocalChannel, RemoteChannel, Renderer, View
from nbagent.run.callbacks import EventCallback, in_callback
from nbagent.run.forking import ForkableRun
from nbagent.run.iteration import SubscriberSet
from nbagent.run.options import (
    INHERITED,
    GateOptions,
    RunOptions,
    StopOptions,
    breakpoints_of,
    check_names,
    is_stable,
    named_options,
    opening_props,
    pick,
    view_options,
)
from nbagent.run.question import answering
from nbagent.run.reported_calls import ReportedCalls
from nbagent.run.run_source import run_source
from nbagent.run.state import RunState
from nbagent.run.telemetry import RunSpans, observers
from nbagent.run.waiting import End, block_for, wait_for
from nbagent.run.watchdog import Watchdog
from nbagent.run_context import CURRENT_RUN, HTTPExchange, RunContext
from nbagent.run_context.current import begin, end
from nbagent.run_context.faults import FAULTS, faults_of_run
from nbagent.runtime import work
from nbagent.runtime.one_shot import OneShotEvent
from nbagent.runtime.post_mortem import LastError
from nbagent.sources import recording

STOP_GRACE_S = 0.4
"""Seconds in which a stopped stream may end by itself.

Then the run ends without it, and what still comes is dropped.
"""

_numbers = itertools.count(1)


class Run(ForkableRun):
    """A stream being watched, and its results so far.

    `show()` makes one. It is awaitable (`run = await show(…)` waits for the end), and everything on
    it can be read at any time, also while the stream still runs. One that is made without `show`
    begins when it is waited for or iterated over.

    Args:
        source: any stream that `nbagent.show` takes, or several as `Lanes`.
        decoder: decodes the source's items, in place of the adapter's decoder.
        options: described at `nbagent.show`.

    Attributes:
        id: unique in this process.
        view: displays the run where a notebook asks for it (a cell that ends in `run`), or returns
            the object to display. Set by the notebook that draws the run; None elsewhere.
        stable: whether the saved transcript leaves out times, so that it is the same in each
            execution.
        is_printed: whether it stands in the terminal, so that `show` does not print it again.

    Raises:
        UnknownSource: `source` is not a stream, or no `adapter` has that name.
        ValueError: `reveal` is none of the four, a time is not positive, or a rule of `hide`,
            `redact` or `tags` is not valid.
        TypeError: a rule of `redact` is neither an expression nor a function, `hide` is no mapping,
            `tags` is of another form, `fallback` is no function, `adapter` neither a name nor a
            function, or there is no such option.
    """

    @named_options(RunOptions)
    def __init__(
        self, source: Any, *, decoder: Decoder | None = None, **options: Unpack[RunOptions]
    ) -> None:
        check_names("Run", options, RunOptions)
        self.id = f"run-{next(_numbers)}"
        self.view: Callable[[], object] | None = None
        self.stable = is_stable(options)
        self.is_printed = False
        self._source = run_source(source, decoder, options)
        info = self._source.info
        self._watchdog = Watchdog(
            options.get("timeout"),
            options.get("idle_timeout"),
            self._source,
            self._waits,
            self._on_timeout,
        )
        drawn = view_options(options)
        gate = Gate(**pick(options, GateOptions))
        props = opening_props(drawn, gate, info)
        super().__init__(RunState(self.id, info, gate, options.get("name"), props))
        self._breakpoints = breakpoints_of(pick(options, StopOptions))
        self._breakpoints.on_change = self._show_breakpoints
        self.own_agent, self.asked_form = info.own_agent, info.output
        self.shown_with = {name: value for name, value in options.items() if name in INHERITED}
        self._interval = drawn.get("interval") or BATCH_INTERVAL_S
        self._channels = ChannelSet(self._state.transcript, self._state.lock)
        self._subscribers = SubscriberSet(self._state.events, self._state.lock, self.cancel)
        self.on_prompt = None
        self._recorders: list[recording.Recorder | RunSpans] = []
        self._callbacks: list[EventCallback] = []
        self._prompt = options.get("prompt")
        self._started = False
        self._stop_reason: BaseException | None = (
            None  # set by Stop and by a timeout; it outweighs how the stream then ends
        )
        self._finished = False  # the stream is over, and its last events are out
        self._done: End = concurrent.futures.Future()
        self._ended, self._closed = OneShotEvent(), OneShotEvent()
        self._last_error = LastError()
        self._reported = ReportedCalls()
        self._on_addition: Callable[[], object] = lambda: None
        self._state.attempts.run = self
        if (handler := options.get("answer")) is not None:
            self.on("approval.request", answering(self, handler))

    # --- life ---

    def start(self) -> None:
        """Begin to read the source.

        `show()`, a wait and an iteration do this; a second call does nothing.
        """
        with self._state.lock:
            started, self._started = self._started or self._finished, True
        if not started:
            if self.own_agent is not None:
                names = [tool.name for tool in self.own_agent.tools]
                self._state.privacy.know_tools(names, only=self.asked_form is not None)
            # whose APIs the agent speaks, to any server
            provider = None if self.own_agent is None else "openai"
            self._recorders = [
                *recording.recorders(),
                *observers(self._source.info.session, provider),
            ]
            for recorder in self._recorders:
                recorder.begin()
            if self._prompt:
                with self._state.lock:
                    self._forward([e.Prompt(text=self._prompt)])
            self._watchdog.start()
            begin(self)
            context = contextvars.copy_context()
            context.run(MASK.set, self._state.privacy.masker)
            self._faults = faults_of_run()
            context.run(FAULTS.set, self._faults)
            context.run(CURRENT_RUN.set, RunContext(run=self))
            context.run(self._source.open, self._take, self._on_end)

    def attach(self, renderer: Renderer) -> LocalChannel:
        """Draw this run by a renderer in this process too: first the transcript so far, then every
        change as it comes.
        """
        channel = LocalChannel(renderer, self._state.lock, self._counters())
        self._channels.open(channel)
        return channel

    def connect(self, view: View) -> RemoteChannel:
        """Send this run to a view in a browser too: first the transcript so far, then every change
        as it comes.
        """
        transcript, lock = self._state.transcript, self._state.lock
        externalize = self._state.large_values.externalize_large_props
        channel = RemoteChannel(
            view,
            lock,
            self._counters(),
            opening=transcript.opening,
            externalize=externalize,
            rests=lambda: transcript.ended,
            interval=self._interval,
        )
        self._channels.open(channel)
        return channel

    def detach(self, target: Renderer | View) -> None:
        """Stop drawing by a renderer or view. One that was never attached is no error."""
        self._channels.close(target)

    def on_end(self, callback: Callable[[], object]) -> None:
        """Call `callback` once when the run has ended, before any wait for the run returns; at once
        if it has ended already.

        The last batch is sent by then, unless a view is more than a second behind. The callback
        runs in a copy of the current `contextvars` context, on an arbitrary thread, which it may
        block.
        """
        self._ended.add(callback)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Call `callback` once when the run is closed; at once, on this thread, if it is closed
        already.
        """
        self._closed.add(callback)

    def on_addition(self, callback: Callable[[], object]) -> None:
        """Call `callback` each time that something was added to the run after its end, on an
        arbitrary thread.
        """
        self._on_addition = callback

    def report(self, events: Iterable[e.Event], *, last: bool = True) -> None:
        """Show events that are not in the stream, such as those of code inside it.

        Safe on any thread, also after the end.

        Args:
            events: with ids that are unique in the run.
            last: after the run's end, bring the notebook's copy of it up to date. False if more
                events follow soon.
        """
        with self._state.lock:
            self._forward(events)
            ended = self._finished
        if ended and last:
            self._on_addition()

    def record(self, exchange: HTTPExchange) -> bool:
        """Keep a request to a model that code inside the run sends; see `requests`.

        Safe on any thread.

        Returns:
            Whether it is one; what does not ask a model for an answer is not kept.
        """
        return self._state.request_log.add(exchange)

    def close(self) -> None:
        """Take the run off the page: stop it if it still runs, and remove its live views.

        Its results stay readable here.

        In a notebook the static transcript stays in the cell. A second call does nothing.
        """
        self.cancel()
        self._closed.fire()
        self._channels.close_views()

    def cancel(self, by: str = "you") -> None:
        """Stop the stream: its connection is closed, its results so far are kept.

        Safe to call from any thread, and twice.

        Args:
            by: shown in the header: "Stopped by you".
        """
        with self._state.lock:
            if self._finished or self._stop_reason is not None:
                return
            self._stop_reason = Cancelled(by)
            self._channels.send(self._state.transcript.stopping(by))
        timer = work.later(STOP_GRACE_S, functools.partial(self._on_end, self._stop_reason))
        self._done.add_done_callback(lambda _: timer.cancel())
        self._source.cancel()

    @property
    def done(self) -> bool:
        """True if the run has ended."""
        return self._done.done()

    def wait(self, timeout: float | None = None) -> "Run":
        """Block until the run has ended, and the functions given to `on` are done.

        An interrupt of the wait stops the run.

        In a cell, `await run` is better: it leaves the kernel free. If the stream itself is read on
        the loop that is blocked here (a user's async iterator), that loop is run from within, with
        nest-asyncio2.

        Args:
            timeout: seconds to wait at most; None waits for ever.

        Returns:
            The run itself.

        Raises:
            TimeoutError: the run, or a function given to `on`, goes on after `timeout` seconds.
        """
        if self._ended.in_callback:  # of the run's own end, which waits for this callback
            return self
        self.start()
        loop, grace_s = self._source.loop, 2 * STOP_GRACE_S
        try:
            block_for(
                self._done,
                self._callbacks,
                timeout,
                reader_loop=loop,
                cancel=self.cancel,
                grace_s=grace_s,
            )
        except TimeoutError:
            if self._done.done():
                raise TimeoutError(
                    f"{self!r} has ended, but a function given to on() is busy after {timeout} s"
                ) from None
            raise TimeoutError(
                f"{self!r} is still running after {timeout} s; run.cancel() stops it"
            ) from None
        return self

    def __await__(self) -> Generator[Any, None, "Run"]:
        return self._wait().__await__()

    async def _wait(self) -> "Run":
        self.start()
        await wait_for(self._ends(), self.cancel)
        return self

    def _ends(self) -> Iterator[End]:
        yield self._done
        if not in_callback():
            yield from (callback.done for callback in self._callbacks)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            'a run cannot be pickled: it holds its connection; run.save("run.jsonl") keeps it, '
            "nbagent.replay plays it"
        )

    def _ipython_display_(self) -> None:
        if self.view is None:
            raise NotImplementedError  # tells IPython to print the repr
        self.view()

    # marimo's hook: return the object to display instead of this one
    def _display_(self) -> object:
        return repr(self) if self.view is None else self.view()

    def __repr__(self) -> str:
        text = f"{len(self.text):,} characters" if self.text else "no text"
        tools = len(self.tools)
        error = (
            f" ({reprlib.repr(self._state.privacy.mask(str(self.error)))})"
            if self.error is not None
            else ""
        )
        return (
            f"<Run {self.id} {self.name!r} {self.status}{error}: {text}, {tools} tool "
            f"call{'' if tools == 1 else 's'}>"
        )

    # --- the pipeline ---

    def _counters(self) -> Callable[[], Iterable[Any]]:
        return functools.partial(self._state.transcript.counters, {})

    def _take(self, make: Callable[..., Iterable[e.Event]], *args: Any) -> None:
        """Take the next events of the source, see `event_source.Take`."""
        self._watchdog.touch()
        with self._state.lock:
            if self._finished:
                return
            events = list(make(*args))
            if e.ToolResult not in map(type, events):
                self._forward(self._reported.join(events))
                return
        # Without the lock, for which Stop waits: drawing a figure takes time.
        drawn = [_with_display(event) for event in events]
        with self._state.lock:
            if not self._finished:
                self._forward(self._reported.join(drawn))

    def _on_end(self, error: BaseException | None) -> None:
        if self._finish(error):
            self._announce_soon()

    def _finish(self, error: BaseException | None) -> bool:
        """Emit the last events. Return False if that was done before."""
        with self._state.lock:
            if self._finished:
                return False
            self._finished = True
            end(self)
            self._watchdog.stop()
            self._state.privacy.register_secrets(error)
            self._state.privacy.mask_error(error)
            error = self._stop_reason or error
            self._state.error = None if isinstance(error, Cancelled) else error
            try:
                self._forward(self._reported.join(list(self._source.close(error))))
                if self._state.transcript.root.props["status"] == "completed":
                    self._state.error = None  # the stream was only left open
            except Exception as caught:  # a decoder's mistake must not keep the run from ending
                self._state.error = caught
            if not self._state.transcript.ended:
                truncated = e.RunEnd(status="incomplete", code=e.STREAM_TRUNCATED)
                self._emit(truncated if self._state.error is None else e.RunEnd(status="failed"))
        return True

    def _announce_soon(self) -> None:
        """Announce the end as soon as every renderer has got the last events."""
        for recorder in self._recorders:
            recorder.end()
        self._channels.finish(self._announce_end)

    def _on_timeout(self, error: StreamError) -> bool:
        """Handle a timeout: end the run with its results so far.

        Returns True if a fallback takes over instead.
        """
        if self._source.outlasts(error):
            return True
        self._stop_reason = self._stop_reason or error
        is_over = self._finish(error)
        # after the last events, or a lane would report this instead of the time-out
        self._source.cancel()
        if is_over:
            self._announce_soon()
        return False

    def _announce_end(self) -> None:
        self._last_error.release()
        self._ended.fire()
        self._done.set_result(None)
        with self._state.lock:
            self._subscribers.wake(over=True)

    def _forward(self, decoded: Iterable[e.Event]) -> None:
        """Pass events through the gate, and emit the visible ones."""
        for event in decoded:
            for shown in self._state.privacy.feed(event):
                self._emit(shown)
        self._subscribers.wake()

    def _emit(self, event: e.Event) -> None:
        """Keep an event, record it, and draw it."""
        if (
            type(event) is e.RunEnd
            and event.status == "cancelled"
            and isinstance(self._stop_reason, Cancelled)
        ):
            # The service may have said first that it was cancelled.
            event = msgspec.structs.replace(
                event, meta=(event.meta or {}) | {"stopped_by": self._stop_reason.by}
            )
        event, ops = self._state.add(event)
        if type(event) is e.ToolResult and event.exception is not None:
            self._last_error.offer(event.exception.value)
        for recorder in self._recorders:
            recorder.keep(event)
        self._channels.send(ops)


def _with_display(event: e.Event) -> e.Event:
    if not isinstance(event, e.ToolResult) or event.value is None or event.display is not None:
        return event
    return msgspec.structs.replace(event, display=display_of(event.value.value))
