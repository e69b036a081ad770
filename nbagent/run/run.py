"""`Run`: the controller that joins source, decoder, gate, transcript and renderers for one stream,
and owns its life.
"""

import contextvars
import functools
import itertools
import reprlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, NoReturn, Unpack

from nbagent import events as e
from nbagent.adapters.base.decoder import Decoder
from nbagent.gate import Gate
from nbagent.mime.text import MASK, count
from nbagent.protocol.ops import Op
from nbagent.pump import BATCH_INTERVAL_S, LocalChannel, RemoteChannel, Renderer, View
from nbagent.run.callbacks import EventCallback, in_callback
from nbagent.run.forking import ForkableRun
from nbagent.run.options import (
    INHERITED,
    GateOptions,
    RunOptions,
    StopOptions,
    breakpoints_of,
    check_names,
    check_on_fork,
    is_stable,
    named_options,
    opening_props,
    pick,
    view_options,
)
from nbagent.run.pipeline import STOP_GRACE_S, Pipeline
from nbagent.run.question import answering
from nbagent.run.run_source import run_source
from nbagent.run.state import RunState
from nbagent.run.telemetry import observers
from nbagent.run.waiting import End, block_for, wait_for
from nbagent.run_context import CURRENT_RUN, HTTPExchange, RunContext
from nbagent.run_context.current import begin, end
from nbagent.run_context.faults import FAULTS, faults_of_run
from nbagent.runtime.loop import running_loop
from nbagent.runtime.one_shot import OneShotEvent
from nbagent.sources import recording

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
        source = run_source(source, decoder, options)
        info = source.info
        drawn = view_options(options)
        gate = Gate(**pick(options, GateOptions))
        props = opening_props(drawn, gate, info)
        if check_on_fork(options.get("on_fork")):
            props.can_fork = True
        super().__init__(RunState(self.id, info, gate, options.get("name"), props))
        self._pipeline = Pipeline(
            source,
            self._state,
            timeout=options.get("timeout"),
            idle_timeout=options.get("idle_timeout"),
            waits=self._waits,
            cancel=self.cancel,
        )
        self._pipeline.on_finish = functools.partial(end, self)
        self._breakpoints = breakpoints_of(pick(options, StopOptions))
        self._breakpoints.on_change = self._show_breakpoints
        self.own_agent, self.asked_form = info.own_agent, info.output
        self.asked = info.asked
        self._home = running_loop()
        self._state.shown_with = {
            name: value for name, value in options.items() if name in INHERITED
        }
        self._interval = drawn.get("interval") or BATCH_INTERVAL_S
        self.on_prompt = None
        self._callbacks: list[EventCallback] = []
        self._prompt = options.get("prompt")
        self._closed = OneShotEvent()
        self._on_addition: Callable[[], object] = lambda: None
        self._state.privacy.show_calls(info.client_tools)
        self._state.attempts.run = self
        if (handler := options.get("answer")) is not None:
            self.on("approval.request", answering(self, handler))

    # --- life ---

    def start(self) -> None:
        """Begin to read the source.

        `show()`, a wait and an iteration do this; a second call does nothing.
        """
        if not self._pipeline.claim():
            return
        provider = None
        if self.own_agent is not None:
            provider = "openai"  # whose APIs the agent speaks, to any server
            names = [tool.name for tool in self.own_agent.tools]
            self._state.privacy.know_tools(names, only=self.asked_form is not None)
        session = self._pipeline.source.info.session
        self._pipeline.recorders = [*recording.recorders(), *observers(session, provider)]
        for recorder in self._pipeline.recorders:
            recorder.begin()
        if self._prompt:
            with self._state.lock:
                self._pipeline.forward([e.Prompt(text=self._prompt)])
        begin(self)
        context = contextvars.copy_context()
        context.run(MASK.set, self._state.privacy.masker)
        self._faults = faults_of_run()
        context.run(FAULTS.set, self._faults)
        context.run(CURRENT_RUN.set, RunContext(run=self))
        self._pipeline.open(context)

    def attach(self, renderer: Renderer) -> LocalChannel:
        """Draw this run by a renderer in this process too: first the transcript so far, then every
        change as it comes.
        """
        channel = LocalChannel(renderer, self._state.lock, self._before_batch())
        self._pipeline.open_channel(channel)
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
            self._before_batch(),
            opening=transcript.opening,
            externalize=externalize,
            rests=lambda: transcript.ended,
            interval=self._interval,
            opened_at=time.monotonic(),
        )
        self._pipeline.open_channel(channel)
        return channel

    def detach(self, target: Renderer | View) -> None:
        """Stop drawing by a renderer or view. One that was never attached is no error."""
        self._pipeline.channels.close(target)

    def on_end(self, callback: Callable[[], object]) -> None:
        """Call `callback` once when the run has ended, before any wait for the run returns; at once
        if it has ended already.

        The last batch is sent by then, unless a view is more than a second behind. The callback
        runs in a copy of the current `contextvars` context, on an arbitrary thread, which it may
        block.
        """
        self._pipeline.ended.add(callback)

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
            self._pipeline.forward(events)
            ended = self._pipeline.is_finished
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
        self._pipeline.channels.close_views()

    def cancel(self, by: str = "you") -> None:
        """Stop the stream: its connection is closed, its results so far are kept.

        Safe to call from any thread, and twice.

        Args:
            by: shown in the header: "Stopped by you".
        """
        self._pipeline.stop(by)

    @property
    def done(self) -> bool:
        """True if the run has ended."""
        return self._pipeline.done.done()

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
        if self._pipeline.ended.in_callback:  # of the run's own end, which waits for this callback
            return self
        self.start()
        loop, grace_s = self._pipeline.source.loop, 2 * STOP_GRACE_S
        try:
            block_for(
                self._pipeline.done,
                self._callbacks,
                timeout,
                reader_loop=loop,
                cancel=self.cancel,
                grace_s=grace_s,
            )
        except TimeoutError:
            if self._pipeline.done.done():
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
        yield self._pipeline.done
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
        if self.view is None:
            return repr(self)
        return self.view()

    def __repr__(self) -> str:
        text = "no text"
        if self.text:
            text = f"{len(self.text):,} characters"
        status: str = self.status
        if self.error is not None:
            status += f" ({reprlib.repr(self._state.privacy.mask(str(self.error)))})"
        calls = count(len(self.tools), "tool call")
        return f"<Run {self.id} {self.name!r} {status}: {text}, {calls}>"

    def _before_batch(self) -> Callable[[], Iterable[Op]]:
        """Return what a new channel calls before each batch."""
        state = self._state
        shown: dict[str, Any] = {}

        def before() -> Iterable[Op]:
            state.bring_up_to_date()
            return state.transcript.counters(shown)

        return before
