"""`FollowedRun`: the ways to read a run's events and texts along, while it goes on or later."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Self

from nbagent import events as e
from nbagent.events.types import EventTypes, event_types
from nbagent.pump import LocalChannel, Renderer
from nbagent.run.buffered import buffered
from nbagent.run.callbacks import EventCallback
from nbagent.run.iteration import EventIterator, SubscriberSet
from nbagent.run.progress import Meter
from nbagent.run.steering import SteeredRun


class FollowedRun(SteeredRun):
    """A run, as far as other code reads it along."""

    _callbacks: list[EventCallback]
    _subscribers: SubscriberSet

    @abstractmethod
    def attach(self, renderer: Renderer) -> LocalChannel:
        """Draw this run by a renderer in this process."""

    @abstractmethod
    def start(self) -> None:
        """Begin to read the source, unless that was done or the run has ended."""

    @abstractmethod
    def on_end(self, callback: Callable[[], object]) -> None:
        """Call `callback` once when the run has ended."""

    def stream(self, types: EventTypes = None) -> EventIterator[e.Event]:
        """Iterate over the run's events from its beginning, then live until it ends, with `async
        for` or a blocking `for`.

        An iteration starts a run that nobody has started. There may be several, each at its own
        pace. Leaving the loop early, or cancelling the task that is in it, leaves the run alone;
        interrupting the cell stops it.

        Args:
            types: types to keep, e.g. `("text.delta", "tool.result")` or `events.ToolResult`, or
                one of them; None keeps all.

        Raises:
            ValueError: there are no events of such a type.
            TypeError: a type is neither a tag nor a class of events.
        """
        return self._iterator(types, self.start)

    def _iterator(self, types: EventTypes, begin: Callable[[], None]) -> EventIterator[e.Event]:
        kept = event_types(types)

        def batches() -> AsyncGenerator[Sequence[e.Event]]:
            begin()
            return self._pipeline.subscribers.batches(kept)

        return EventIterator(batches, lambda: self._pipeline.source.loop, self.cancel, self.name)

    async def more_events(self, count: int) -> None:
        """Wait until the run has had more than `count` events, or has ended; see `event_count`."""
        await self._pipeline.subscribers.more_than(count)

    def on(self, types: EventTypes, function: Callable[[Any], Any]) -> Self:
        """Call a function with each event of some types, from the run's beginning, one after the
        other.

            nbagent.show(stream).on("tool.result", lambda event: results.append(event.content))

        It runs in a thread of its own, so that it may block; an `async def` is awaited on the loop
        that runs here. What it raises is logged, and the run and the calls go on. A wait for the
        run ends when the function has had every event (but not `run.wait()` in a cell where the
        function is an `async def`: that blocks its loop).

        Args:
            types: as for `stream`: `"tool.result"`, `events.ToolResult`, or several; None is every
                type.
            function: called with an event.

        Returns:
            The run itself.

        Raises:
            ValueError: there are no events of such a type.
            TypeError: `function` is not a function, or a type is neither a tag nor a class of
                events.
        """
        self._callbacks.append(EventCallback(function, self._iterator(types, lambda: None)))
        return self

    def buffered(
        self, seconds: float | None = 0.5, chars: int | None = None, *, words: bool = True
    ) -> EventIterator[str]:
        """Iterate over the run's text in larger pieces than its deltas, with `async for` or a
        blocking `for`.

        A piece is complete when it has no room for the next word, when it is `seconds` old, and
        where a text ends.

        Args:
            seconds: age at which a piece is complete; None for any age.
            chars: the most characters of a piece; None for any number.
            words: end a piece only where a word ends. A word that is longer than a piece is cut.

        Raises:
            ValueError: on iterating: `seconds` or `chars` is not positive.
        """
        texts = self.stream(("text.delta", "text.end"))
        return EventIterator(
            lambda: buffered(aiter(texts), seconds, chars, words=words),
            lambda: self._pipeline.source.loop,
            self.cancel,
        )

    def progress(self, bar: Any) -> Self:
        """Report the run's progress while it goes on, some thirteen times a second at most.

        Args:
            bar: a function that gets a `Progress`; or a bar: tqdm's or IPython's `ProgressBar`. A
                bar counts characters of text, of several streams those that have ended.

        Returns:
            The run itself.

        Raises:
            TypeError: `bar` is none of these.
        """
        meter = Meter(bar, self._pipeline.source.info.streams)
        self.attach(meter)
        self.on_end(meter.close)
        return self
