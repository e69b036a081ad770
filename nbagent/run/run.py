"""One stream, watched: the controller that joins source, decoder, gate, transcript and faces, and owns the stream's life."""

import asyncio
import concurrent.futures
import functools
import itertools
import reprlib
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from nbagent import events as e
from nbagent import recording
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.decoders import decoder_named
from nbagent.adapters.detect import DetectingDecoder
from nbagent.errors import Cancelled, StreamError
from nbagent.events.log import EventLog
from nbagent.gate import Gate, Hide, Reveal
from nbagent.gate.privacy import Privacy
from nbagent.inspector import Inspector
from nbagent.mime import display_of
from nbagent.pump import ChannelSet, LargeValues, LocalChannel, RemoteChannel, Renderer, View
from nbagent.run.buffered import buffered
from nbagent.run.fallback import Ended, Fallback
from nbagent.run.follow import Followers, Following, types_named
from nbagent.run.lanes import Lanes
from nbagent.run.progress import Meter
from nbagent.run.results import Outcome
from nbagent.run.timeouts import Watchdog
from nbagent.run.tool_call import ToolCalls
from nbagent.runtime import kernel
from nbagent.runtime.interrupt import watch
from nbagent.runtime.loop import OwnedStream, is_current, nested
from nbagent.runtime.one_shot import Moment
from nbagent.sources.objects import Reader, name_of, reader_for
from nbagent.transcript import Transcript

if TYPE_CHECKING:
    from nbagent.gate.patterns import Rule

GRACE = 0.4
"""Seconds a stopped stream gets to end by itself; then the run ends without it, and what still comes is dropped."""

_numbers = itertools.count(1)


class Run(Outcome):
    """A stream being watched, and what has come of it so far.

    `show()` makes one. It is awaitable (`run = await show(…)` waits for the end), and everything on it can be read at any
    time, also while the stream still runs.

    Args:
        source: any stream `nbagent.show` takes.
        name: what the header shows; by default the stream's own name.
        reveal: what may be seen: `"answer"`, `"tools"`, `"thinking"` or `"all"`, each including the ones before. What is
            hidden exists nowhere in this run.
        thinking_first: the text begins inside a thought, up to `</think>`; for models whose prompt template has opened it.
        hide: what of which tool is hidden: `{"search": "args", "*": "result"}`.
        commentary: whether texts may be seen that a tool call follows.
        redact: regular expressions and functions; what matches is masked.
        timeout: seconds that all may take; None for any time.
        idle_timeout: seconds in which something must come; None for any time.
        fallback: called for the whole answer where the stream fails before anything has come of it. It gives the answer as a
            text, as a response object or as another stream; where it has to await one, it is an `async def`.
        adapter: the system whose items these are, such as `"openai.chat"`; by default found by the first items.
        decoder: reads the source's items, in place of the adapter's.

    Attributes:
        id: unique in this process.
        view: displays the run where a notebook asks for it (a cell that ends in `run`), or returns what is to be displayed;
            set by who draws it.

    Raises:
        UnknownSource: `source` is not a stream, or no `adapter` has that name.
        ValueError: `reveal` is none of the four, or a rule of `hide` or `redact` cannot be followed.
        TypeError: a rule of `redact` is neither an expression nor a function, `hide` is no mapping, `fallback` no function.
    """

    def __init__(
        self,
        source: Any,
        *,
        name: str | None = None,
        reveal: Reveal = "thinking",
        thinking_first: bool = False,
        hide: Hide | None = None,
        commentary: bool = True,
        redact: "Iterable[Rule]" = (),
        timeout: float | None = None,
        idle_timeout: float | None = None,
        fallback: Callable[[], Any] | None = None,
        adapter: str | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        self.id = f"run-{next(_numbers)}"
        self._reader: Reader
        self._decoder: Decoder
        if isinstance(source, Lanes):
            self._reader, self._decoder = source.reader, source.decoder
        else:
            self._reader = reader_for(source)
            hint = source if isinstance(source, OwnedStream) else None
            named = None if adapter is None else decoder_named(adapter)
            self._decoder = decoder or named or DetectingDecoder(lambda: getattr(hint, "adapter", None))
        if fallback is not None:
            self._reader = self._decoder = Fallback(self._reader, self._decoder, fallback)
        self._watchdog = Watchdog(timeout, idle_timeout, self._expire)
        gate = Gate(reveal, thinking_first=thinking_first, hide=hide, commentary=commentary, redact=redact)
        self._events = EventLog()
        self._privacy = Privacy(gate, self._events, self.id)
        self._privacy.register_secrets(source)
        self._lock = threading.RLock()
        started = time.time()
        self._times = recording.RecordedTimes(started) if getattr(source, "keeps_times", False) is True else None
        self._recorders: list[recording.Recorder] = []
        self._transcript = Transcript(self._privacy.mask(name or name_of(source)), started, renamed=bool(name))
        self._tools = ToolCalls(self._lock)
        self._large_values = LargeValues(self._props_of, self._text_of, self._privacy.mask)
        self._channels = ChannelSet(self._transcript, self._lock)
        self._inspector = Inspector(self._events, self._transcript.block_id, self._transcript.snapshot)
        self._answer_at = 0
        self._error: BaseException | None = None
        self._told: e.Error | None = None
        self._why: BaseException | None = None  # it was made to end, whatever becomes of the stream then
        self._started = False
        self._finished = False
        self._done: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._followers = Followers(self._events, self._lock, self.cancel)
        self._ended, self._closed = Moment(), Moment()
        self.view: Callable[[], object] | None = None

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to read the source. `show()` has done this already; once more does no harm."""
        with self._lock:
            started, self._started = self._started, True
        if not started:
            self._recorders = recording.recorders()
            for recorder in self._recorders:
                recorder.begin()
            self._watchdog.start()
            self._reader.start(self._on_item, self._on_end)

    def attach(self, renderer: Renderer) -> LocalChannel:
        """Draw this run by a renderer in this process too: what has come so far first, then everything as it comes."""
        channel = LocalChannel(renderer, self._lock, self._counters())
        self._channels.open(channel)
        return channel

    def connect(self, view: View) -> RemoteChannel:
        """Send this run to a view in a browser too: what has come so far first, then everything as it comes."""
        channel = RemoteChannel(
            view,
            self._lock,
            self._counters(),
            opening=self._transcript.opening,
            externalize=self._large_values.externalize_large_props,
        )
        self._channels.open(channel)
        return channel

    def detach(self, target: Renderer | View) -> None:
        """Stop drawing by a renderer or view; one that was never attached is no error."""
        self._channels.close(target)

    def on_end(self, callback: Callable[[], object]) -> None:
        """Call `callback` once when the run has ended, before those who wait for the run go on; now if it has ended already.

        The last batch is out by then, unless a view is more than a second behind. It is called with the context variables of
        now, on a thread that may be any and that it may hold up.
        """
        self._ended.add(callback)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Call `callback` once when the run is closed; here and now if it is closed already."""
        self._closed.add(callback)

    def close(self) -> None:
        """Take the run off the page: it is stopped if it still runs, and its live views go. What came stays readable here.

        In a notebook the static transcript stays in the cell. Twice does no harm.
        """
        self.cancel()
        self._closed.come()
        self._channels.close_views()

    def cancel(self, by: str = "you") -> None:
        """Stop the stream: its connection is closed, what has come stays. From any thread; twice does no harm.

        Args:
            by: who stops it, as the header will say: "Stopped by you".
        """
        with self._lock:
            if self._finished or self._why is not None:
                return
            self._why = Cancelled(by)
            self._channels.send(self._transcript.stopping(by))
        timer = threading.Timer(GRACE, self._on_end, (self._why,))
        timer.daemon = True
        timer.start()
        self._done.add_done_callback(lambda _: timer.cancel())
        self._reader.cancel()

    def toggle(self, block: str, is_open: bool) -> None:
        """Open or close one panel (by its block's id) in every view of this run, for good."""
        with self._lock:
            self._channels.send(self._transcript.toggle(block, is_open))

    def wait(self, timeout: float | None = None) -> "Run":
        """Block until the run has ended; interrupting the wait stops the run.

        In a cell, `await run` is better: it leaves the kernel free. Where the stream itself is read on the loop that is
        blocked here (a user's async iterator), that loop is run from within, with nest-asyncio2.

        Args:
            timeout: seconds to wait at most; None waits for ever.

        Returns:
            The run itself.

        Raises:
            TimeoutError: the run goes on after `timeout` seconds.
        """
        if self._ended.is_told_here:  # the run has ended, and this is one of those that it waits for
            return self
        try:
            home = asyncio.get_running_loop()
        except RuntimeError:
            home = None
        inside = home is not None and (self._reader.loop is home or is_current())
        try:
            if home is not None and inside and not self._done.done():
                nested(home)(asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._done)), timeout))
            else:
                kernel.wait(self._done, timeout)
        except KeyboardInterrupt:
            self.cancel()
            if not inside:  # in a script the process may end next, and the connection should be closed before that
                concurrent.futures.wait([self._done], 2 * GRACE)
            raise
        except TimeoutError:
            raise TimeoutError(f"{self!r} is still running after {timeout} s; run.cancel() stops it") from None
        return self

    def __await__(self) -> Generator[Any, None, "Run"]:
        return self._wait().__await__()

    async def _wait(self) -> "Run":
        try:
            with watch(asyncio.get_running_loop(), self.cancel):
                await asyncio.shield(asyncio.wrap_future(self._done))
        except asyncio.CancelledError:
            self.cancel()  # an interrupted cell must not leave the stream running, and billing, in the background
            raise
        return self

    # --- what came ------------------------------------------------------------------------------------------------

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self._done.done()

    def stream(self, types: Collection[str] | None = None) -> Following[e.Event]:
        """The run's events from its beginning, then live until it ends: for `async for`, or for a plain `for` that blocks.

        Several may read one run, each at a pace of its own. Leaving the loop early, or cancelling the task that is in it,
        leaves the run alone; interrupting the cell stops it.

        Args:
            types: tags to keep, e.g. `("text.delta", "tool.result")`, or one of them; None keeps all.

        Raises:
            ValueError: there are no events of such a type.
        """
        kept = types_named(types)
        return Following(lambda: self._followers.batches(kept), lambda: self._reader.loop, self.cancel)

    def buffered(self, seconds: float | None = 0.5, chars: int | None = None, *, words: bool = True) -> Following[str]:
        """The run's text in larger pieces, for `async for`, or for a plain `for` that blocks.

        A piece comes when it has `chars` characters, when it is `seconds` old, and where a text ends.

        Args:
            seconds: how long a piece may wait; None for as long as it takes.
            chars: characters that make a piece; None for any number.
            words: whether a piece ends only where a word does.

        Raises:
            ValueError: on iterating: `seconds` or `chars` is not positive.
        """
        spoken = self.stream(("text.delta", "text.end"))
        return Following(lambda: buffered(aiter(spoken), seconds, chars, words=words), lambda: self._reader.loop, self.cancel)

    def progress(self, bar: Any) -> "Run":
        """Tell how far the run is while it goes on, some thirteen times a second at most.

        Args:
            bar: a function that gets a `Progress`; or a bar: of tqdm (it counts characters of text) or IPython's `ProgressBar`.

        Returns:
            The run itself.

        Raises:
            TypeError: `bar` is none of these.
        """
        meter = Meter(bar)
        self.attach(meter)
        self.on_end(meter.close)
        return self

    def _ipython_display_(self) -> None:
        if self.view is None:
            raise NotImplementedError  # IPython's word for: print the repr
        self.view()

    def _display_(self) -> object:
        return repr(self) if self.view is None else self.view()  # marimo's word for: display this in my place

    def __repr__(self) -> str:
        said = f"{len(self.text):,} characters" if self.text else "no text"
        tools = len(self.tools)
        why = f" ({reprlib.repr(self._privacy.mask(str(self.error)))})" if self.error is not None else ""
        return f"<Run {self.id} {self.name!r} {self.status}{why}: {said}, {tools} tool call{'' if tools == 1 else 's'}>"

    # --- the pipeline ---------------------------------------------------------------------------------------------

    def _counters(self) -> Callable[[], Iterable[Any]]:
        return functools.partial(self._transcript.counters, {})

    def _on_item(self, item: Any) -> None:
        self._watchdog.seen()
        if type(item) is e.ToolResult and item.value is not None and item.display is None:
            # Before the lock is taken: to draw a figure takes time, and whoever presses Stop waits for that lock.
            item = msgspec.structs.replace(item, display=display_of(item.value.value))
        with self._lock:
            if self._finished:
                return
            if isinstance(item, Ended):
                self._privacy.register_secrets(item.error)
            elif not self._events.count:  # the stream is open now, and its request at hand
                self._privacy.register_secrets()
            self._pass(self._decoder.feed(item))
            if self._transcript.ended and getattr(self._decoder, "ends_itself", False):
                self._reader.cancel()  # the service would keep the connection open for ever

    def _on_end(self, error: BaseException | None) -> None:
        with self._lock:
            if self._finished:
                return
            self._finished = True
            self._watchdog.stop()
            self._privacy.register_secrets(error)
            error = self._why or error
            self._error = None if isinstance(error, Cancelled) else error
            decoder, self._decoder = self._decoder, DetectingDecoder()  # the run may be kept for long, what it read not
            try:
                self._pass(decoder.close(error))
            except Exception as broken:  # whatever a decoder does, the run ends
                self._error = broken
            if not self._transcript.ended:
                cut = e.RunEnd(status="incomplete", code=e.STREAM_TRUNCATED)
                self._take(cut if self._error is None else e.RunEnd(status="failed"))
        for recorder in self._recorders:
            recorder.end()
        self._channels.finish(self._tell_the_end)

    def _expire(self, error: StreamError) -> bool:
        """The stream took too long: its connection is closed, what has come stays. Whether there is another way to go on."""
        if isinstance(self._reader, Fallback) and self._reader.gives_up(error):
            return True
        self._why = self._why or error
        self._reader.cancel()
        self._on_end(error)
        return False

    def _tell_the_end(self) -> None:
        self._ended.come()
        self._done.set_result(None)
        with self._lock:
            self._followers.wake(over=True)

    def _pass(self, decoded: Iterable[e.Event]) -> None:
        for event in decoded:
            for shown in self._privacy.feed(event):
                self._take(shown)
        self._followers.wake()

    def _take(self, event: e.Event) -> None:
        at = time.time() if self._times is None else self._times.of(event)
        event = msgspec.structs.replace(event, seq=self._events.count + 1, ts=at, run_id=self.id)
        if type(event) is e.ToolArgs or type(event) is e.ToolResult:
            self._tools.take(event, self._transcript.block_id(event.id, "tool"))
        elif type(event) is e.Error and event.fatal:
            self._told = event
        elif isinstance(event, e.ToolStart | e.AgentHandoff | e.Hidden) and event.parent_id is None:
            self._answer_at = len(self._transcript.blocks)  # what was said before a call is not the answer
        self._events.append(event)
        for recorder in self._recorders:
            recorder.keep(event)
        self._channels.send(self._transcript.feed(event))
