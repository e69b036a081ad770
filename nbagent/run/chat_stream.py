"""`ChatStream`: the source of a chat's run.

Answer after answer, each a stream of its own, becomes one transcript.
"""

import contextvars
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from msgspec.structs import replace

from nbagent import events as e
from nbagent.errors import Cancelled, NbagentError
from nbagent.events.ids import with_id_prefix
from nbagent.run.adapter import Converter
from nbagent.run.decoded import decoded
from nbagent.run.event_source import EventSource, OnEnd, Take
from nbagent.runtime import work
from nbagent.runtime.loop import loop
from nbagent.sources.info import SourceInfo

STOP_GRACE_S = 0.4
"""Seconds in which a stopped answer may end by itself.

Then the chat goes on without it, and what still comes is dropped.
"""


class ChatStream(EventSource):
    """Streams that come one after the other, as one: a `run.start` and a `run.end` for each answer.

    Args:
        name: of the chat.
        adapter: the system of the streams; by default each is detected by itself.
        about: what the agent does, in one line.
        offers: names of its tools.
        own_agent: the `nbagent.Agent` that answers; None for others.

    Attributes:
        turns: number of the last answer, from 1; 0 before the first.
    """

    def __init__(
        self,
        name: str,
        adapter: str | Converter | None = None,
        *,
        about: str = "",
        offers: Sequence[str] = (),
        own_agent: Any = None,
    ) -> None:
        self.info = SourceInfo(
            name=name, is_chat=True, about=about, offers=offers, own_agent=own_agent
        )
        self.loop = loop()
        self.turns = 0
        self._adapter = adapter
        self._lock = threading.RLock()
        self._newest: _AnswerStream | None = None
        self._current: _AnswerStream | None = None  # the one that is being read
        self._closed = False
        self._take: Take | None = None
        self._on_end: OnEnd = lambda error: None
        self._context = contextvars.copy_context()

    @property
    def has_idle_timeout(self) -> bool:
        """True while no answer is being written: then there is nothing to wait for."""
        current = self._current
        return current is None or current.stream.has_idle_timeout

    @property
    def is_idle(self) -> bool:
        """True while no answer is being written."""
        return self._current is None

    @property
    def answer_has_ended(self) -> bool:
        """True from the last event of an answer on: its stream may take a moment longer to
        close.
        """
        return self._newest is not None and self._newest.has_ended

    def open(self, take: Take, on_end: OnEnd) -> None:
        """Begin: from now on streams can be read."""
        self._take, self._on_end = take, on_end
        self._context = contextvars.copy_context()

    def answer(self, prompt: e.Prompt | None, source: Any) -> "Future[None]":
        """Show a prompt, and read the stream of its answer. Safe to call from any thread.

        Args:
            prompt: the user's message; None where the stream itself has the prompts, as earlier
                turns do.
            source: any stream that `nbagent.show` takes.

        Returns:
            A future that is done when the answer has ended.

        Raises:
            NbagentError: another answer is being written, or the chat is closed.
            UnknownSource: it is not a stream.
        """
        stream = decoded(source, self._adapter)
        with self._lock:
            if self._take is None or self._closed:
                raise NbagentError("this chat is closed; nbagent.chat(…) opens another one")
            if self._current is not None:
                raise NbagentError("an answer is being written; stop it, or wait for its end")
            self.turns += 1
            answer = self._newest = self._current = _AnswerStream(self.turns, prompt, stream)
        take = partial(self._take, self._in_answer, answer)
        try:
            self._take(self._begin, answer)
            self._context.copy().run(stream.open, take, partial(self._end, answer))
        except Exception as error:  # a rule of the user's raises
            self._end(answer, error)
            raise
        return answer.over

    def stop(self) -> None:
        """Stop the answer that is being written, if there is one.

        The chat goes on. Safe to call from any thread.
        """
        current = self._current
        if current is not None:
            work.later(STOP_GRACE_S, partial(self._end, current, Cancelled()))
            current.stream.cancel()

    def cancel(self) -> None:
        """Close the chat, and stop the current answer."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        current = self._current
        if current is not None:
            current.stream.cancel()
            self._end(current, Cancelled())
        self._on_end(None)

    def close(self, error: BaseException | None = None) -> Iterable[e.Event]:
        """End the chat: close the answer that is being written."""
        if self._newest is None:
            return ()
        return self._newest.close(error)

    def _begin(self, answer: "_AnswerStream") -> Iterable[e.Event]:
        yield e.RunStart(name=self.info.name, meta={"chat": True})
        if answer.prompt is not None:
            yield answer.prompt

    def _in_answer(
        self, answer: "_AnswerStream", make: Callable[..., Iterable[e.Event]], *args: Any
    ) -> Iterable[e.Event]:
        """Yield the events of an answer's stream as those of the chat."""
        if answer is self._current:
            for event in make(*args):
                yield from answer.translate(event)

    def _end(self, answer: "_AnswerStream", error: BaseException | None) -> None:
        with self._lock:
            if answer is not self._current:
                return
            self._current = None
        try:
            if self._take is not None:
                self._take(answer.close, error)
        finally:
            answer.over.set_result(None)


class _AnswerStream:
    """One answer of a chat. Its ids are made distinct from those of the others.

    Attributes:
        over: done when the stream is over.
        has_ended: whether the last event has come.
    """

    def __init__(self, number: int, prompt: e.Prompt | None, stream: EventSource) -> None:
        self.prompt = prompt
        self.stream = stream
        self.over: Future[None] = Future()
        self.has_ended = False
        self._prefix = f"turn-{number}"
        self._usage: e.Usage | None = None
        self._steps = e.Usage()
        self._closed = False

    def close(self, error: BaseException | None) -> Iterator[e.Event]:
        """Yield the last events, once."""
        if self._closed:
            return
        self._closed = True
        for event in self.stream.close(error):
            yield from self.translate(event)

    def translate(self, event: e.Event) -> Iterator[e.Event]:
        """Yield an answer's event as one of the chat."""
        match event:
            case e.RunStart():
                pass
            case e.Prompt(parent_id=None) if self.prompt is not None:
                pass  # the chat has shown it
            case e.UsageUpdate(parent_id=None):
                self._count(event)
            case e.StepEnd(parent_id=None):
                self._steps += event.usage or e.Usage()
                yield self._own(replace(event, usage=None))
            case e.RunEnd():
                self.has_ended = True
                usage = event.usage or self._usage or self._steps
                if usage != e.Usage():
                    yield e.UsageUpdate(usage=usage, mode="add", scope="run")
                yield replace(event, usage=None)
            case _:
                yield self._own(event)

    def _count(self, event: e.UsageUpdate) -> None:
        """Count the tokens of the answer; those of a step are in its end."""
        if event.scope != "run":
            return
        if event.mode == "replace" or self._usage is None:
            self._usage = event.usage
        else:
            self._usage += event.usage

    def _own(self, event: e.Event) -> e.Event:
        return with_id_prefix(event, self._prefix)
