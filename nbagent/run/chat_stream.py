"""`ChatStream`: the source of a chat's run.

Answer after answer, each a stream of its own, becomes one transcript.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, ClassVar, NamedTuple

from msgspec.structs import replace

from nbagent import events as e
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.detect import stream_outlives_run
from nbagent.errors import Cancelled, NbagentError
from nbagent.events.ids import with_id_prefix
from nbagent.run.adapter import Converter, decoder_of
from nbagent.run.continuation import continued
from nbagent.runtime import work
from nbagent.runtime.loop import loop
from nbagent.sources.objects import Reader, reader_for
from nbagent.sources.stream import limit_idle

STOP_GRACE_S = 0.4
"""Seconds in which a stopped answer may end by itself.

Then the chat goes on without it, and what still comes is dropped.
"""


class TurnStart(NamedTuple):
    """An answer begins."""

    number: int
    prompt: e.Prompt | None
    decoder: Decoder


class TurnItem(NamedTuple):
    """An item of the answer's stream."""

    number: int
    item: Any


class TurnEnd(NamedTuple):
    """The answer's stream is over."""

    number: int
    error: BaseException | None


class ChatStream:
    """Streams that come one after the other, as one source.

    Args:
        name: of the chat.
        adapter: the system of the streams; by default each is detected by itself.
        about: what the agent does, in one line.
        offers: names of its tools.

    Attributes:
        reader: reads the stream that is being answered.
        decoder: decodes the reader's items to the events of one run, with a `run.start` and a
            `run.end` for each answer.
    """

    def __init__(
        self,
        name: str,
        adapter: str | Converter | None = None,
        *,
        about: str = "",
        offers: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.about = about
        self.offers = offers
        self.reader = ChatReader(adapter)
        self.decoder = ChatDecoder(name, self.reader.cut)

    def answer(self, prompt: e.Prompt | None, stream: Any) -> "Future[None]":
        """Show a prompt, and read the stream of its answer. Safe to call from any thread.

        Args:
            prompt: the user's message; None where the stream itself has the prompts, as earlier
                turns do.
            stream: any that `nbagent.show` takes.

        Returns:
            A future that is done when the answer has ended.

        Raises:
            NbagentError: another answer is being written, or the chat is closed.
            UnknownSource: it is not a stream.
        """
        return self.reader.read(prompt, stream)

    def stop(self) -> None:
        """Stop the answer that is being written, if there is one.

        The chat goes on. Safe to call from any thread.
        """
        self.reader.stop()

    @property
    def is_answering(self) -> bool:
        """True while an answer is being written."""
        return self.reader.is_answering

    @property
    def answer_has_ended(self) -> bool:
        """True from the last event of an answer on: its stream may take a moment longer to
        close.
        """
        return self.decoder.answer_has_ended

    @property
    def turns(self) -> int:
        """Number of the last answer, from 1; 0 before the first."""
        return self.reader.turns


class ChatReader:
    """Reads one stream at a time. Its items are `TurnStart`, `TurnItem` and `TurnEnd`."""

    def __init__(self, adapter: str | Converter | None = None) -> None:
        self.loop: asyncio.AbstractEventLoop | None = loop()
        self._adapter = adapter
        self._lock = threading.RLock()
        self.turns = 0
        self._current: tuple[int, Reader, Future[None]] | None = None
        self._closed = False
        self._on_item: Callable[[Any], None] | None = None
        self._on_end: Callable[[BaseException | None], None] = lambda error: None
        self._context = contextvars.copy_context()

    @property
    def has_idle_timeout(self) -> bool:
        """True while no answer is being written: then there is nothing to wait for."""
        current = self._current
        return current is None or current[1].has_idle_timeout

    @property
    def is_answering(self) -> bool:
        """True while an answer is being written."""
        return self._current is not None

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin: from now on streams can be read."""
        self._on_item, self._on_end = on_item, on_end
        self._context = contextvars.copy_context()

    def read(self, prompt: e.Prompt | None, stream: Any) -> "Future[None]":
        """Read a stream; see `ChatStream.answer`."""
        stream = limit_idle(stream, None)
        reader, decoder = continued(reader_for(stream), decoder_of(self._adapter, stream), stream)
        over: Future[None] = Future()
        with self._lock:
            if self._on_item is None or self._closed:
                raise NbagentError("this chat is closed; nbagent.chat(…) opens another one")
            if self._current is not None:
                raise NbagentError("an answer is being written; stop it, or wait for its end")
            self.turns += 1
            number, on_item = self.turns, self._on_item
            self._current = number, reader, over
        try:
            on_item(TurnStart(number, prompt, decoder))
            self._context.copy().run(
                reader.start,
                lambda item: self._on_turn_item(number, item),
                lambda error: self._end(number, error),
            )
        except Exception as error:  # a rule of the user's raises
            self._end(number, error)
            raise
        return over

    def stop(self, error: BaseException | None = None) -> None:
        """Stop the current answer."""
        current = self._current
        if current is None:
            return
        number, reader, _ = current
        work.later(STOP_GRACE_S, partial(self._end, number, error or Cancelled()))
        reader.cancel()

    def cut(self, number: int) -> None:
        """Stop to read the stream of an answer that has ended."""
        current = self._current
        if current is not None and current[0] == number:
            current[1].cancel()

    def cancel(self) -> None:
        """Close the chat, and stop the current answer."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        current = self._current
        if current is not None:
            current[1].cancel()
            self._end(current[0], Cancelled())
        self._on_end(None)

    def _on_turn_item(self, number: int, item: Any) -> None:
        current = self._current
        if current is not None and current[0] == number and self._on_item is not None:
            self._on_item(TurnItem(number, item))

    def _end(self, number: int, error: BaseException | None) -> None:
        with self._lock:
            current = self._current
            if current is None or current[0] != number:
                return
            self._current = None
        try:
            if self._on_item is not None:
                self._on_item(TurnEnd(number, error))
        finally:
            current[2].set_result(None)


class ChatDecoder:
    """Decodes each answer by a decoder of its own. Ids of the answers are made distinct.

    Args:
        name: of the chat.
        cut: called with the number of an answer that has ended and whose service leaves its stream
            open.

    Attributes:
        answer_has_ended: whether the newest answer has had its last event.
    """

    system: ClassVar[str] = "chat"

    def __init__(self, name: str, cut: Callable[[int], None] = lambda number: None) -> None:
        self._name = name
        self._cut = cut
        self._decoder: Decoder | None = None
        self._number = 0
        self._prompt: e.Prompt | None = None
        self._usage: e.Usage | None = None
        self._steps = e.Usage()
        self.answer_has_ended = False

    def feed(self, item: TurnStart | TurnItem | TurnEnd) -> Iterable[e.Event]:
        """Yield the events of one item."""
        match item:
            case TurnStart():
                self._number, self._prompt, self._decoder = item
                self._usage, self._steps, self.answer_has_ended = None, e.Usage(), False
                yield e.RunStart(name=self._name, meta={"chat": True})
                if self._prompt is not None:
                    yield self._prompt
            case TurnItem() if self._decoder is not None:
                for event in self._decoder.feed(item.item):
                    yield from self._translate(event)
                if self.answer_has_ended and stream_outlives_run(self._decoder):
                    self._cut(item.number)
            case TurnEnd() if self._decoder is not None:
                yield from self._close(item.error)
            case _:
                pass

    def end_step(self) -> Iterable[e.Event]:
        """Return nothing: the answers' own decoders end their steps."""
        return ()

    def close(self, error: BaseException | None = None) -> Iterable[e.Event]:
        """End the chat: close the answer that is being written."""
        if self._decoder is not None:
            yield from self._close(error)

    def _close(self, error: BaseException | None) -> Iterator[e.Event]:
        assert self._decoder is not None
        for event in self._decoder.close(error):
            yield from self._translate(event)
        self._decoder = None

    def _translate(self, event: e.Event) -> Iterator[e.Event]:
        """Yield an answer's event as one of the chat."""
        match event:
            case e.RunStart() | e.Prompt(parent_id=None) if self._prompt is not None or isinstance(
                event, e.RunStart
            ):
                pass
            case e.UsageUpdate(scope="run", parent_id=None):
                self._usage = (
                    event.usage
                    if event.mode == "replace"
                    else (self._usage or e.Usage()) + event.usage
                )
            case e.UsageUpdate(parent_id=None):
                pass  # the step's end has the same usage
            case e.StepEnd(parent_id=None):
                self._steps += event.usage or e.Usage()
                yield self._own(replace(event, usage=None))
            case e.RunEnd():
                self.answer_has_ended = True
                usage = event.usage or self._usage or self._steps
                if usage != e.Usage():
                    yield e.UsageUpdate(usage=usage, mode="add", scope="run")
                yield replace(event, usage=None)
            case _:
                yield self._own(event)

    def _own(self, event: e.Event) -> e.Event:
        return with_id_prefix(event, f"turn-{self._number}")
