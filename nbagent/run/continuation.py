"""The continuation of a stream whose questions have been answered: the answers are sent to it, or
another stream follows it.
"""

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from msgspec.structs import replace

from nbagent import events as e
from nbagent.adapters.base.answers import Answered, Answers
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.base.fields import safe_message
from nbagent.adapters.detect import go_on, pause
from nbagent.errors import AnswerError, Cancelled, StreamError
from nbagent.run.answer_reader import AnswerReader
from nbagent.run.answer_way import AnswerWay
from nbagent.run.decoded_stream import DecodedStream
from nbagent.run.event_source import OnEnd, Take
from nbagent.runtime.loop import loop as own_loop
from nbagent.runtime.loop import submit
from nbagent.sources.info import SourceInfo
from nbagent.sources.reader import Reader
from nbagent.sources.stream import ServiceStream


class Continuation(DecodedStream):
    """A stream whose questions are answered, and the streams that go on with its run.

    A question gets a way back if the stream has one, the first of these:

    1. `send`, or without `resume` a connection that takes messages: each answer is sent when it is
       given, and the stream goes on by itself.
    2. `resume`, or a system that another request or call goes on with: the run waits when the
       stream has ended, and once all questions are answered the next stream is read, by the same
       decoder.

    Args:
        reader: reads the stream.
        decoder: decodes its items, and those of the streams that follow.
        info: what is known of the stream.
        source: the stream.
        resume: returns the stream that goes on, or an awaitable of it.
        send: carries one answer, in the form of the system; it may be an `async def`.

    Raises:
        TypeError: one of the two is not a function, or both are given.
    """

    def __init__(
        self,
        reader: Reader,
        decoder: Decoder,
        info: SourceInfo,
        source: Any,
        resume: Callable[[Answers], Any] | None = None,
        send: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(reader, decoder, info)
        self._way = AnswerWay(source, lambda: self._decoder.system, resume, send)
        if isinstance(source, ServiceStream):
            source.waits = self._waits
        self._lock = threading.Lock()
        self._stopped = False
        # questions with a way back, of this stream
        self._requests: dict[str, e.ApprovalRequest] = {}
        self._responses: dict[str, e.ApprovalResponse] = {}  # their answers
        self._settled: set[str] = set()  # questions whose answer is among the run's events
        self._denied: set[str] = set()  # tool calls that the reader did not allow
        self._is_paused = False  # the stream has ended, and the run waits
        self._context = contextvars.copy_context()

    # --- reading ---

    def open(self, take: Take, on_end: OnEnd) -> None:
        """Begin to read."""
        self._context = contextvars.copy_context()
        self._take, self._on_end = take, on_end
        self._read(self._reader)

    def cancel(self) -> None:
        """Stop reading, or waiting for answers."""
        with self._lock:
            self._stopped = True
            was_paused, self._is_paused = self._is_paused, False
        stopping = self._way.stopping()
        if stopping is not None:
            submit(_without_errors(stopping))
        if was_paused:
            self._end(Cancelled())
        else:
            self._reader.cancel()

    def close(self, error: BaseException | None = None) -> Iterable[e.Event]:
        """Return the last events.

        First comes an answer to which the stream reacted before `send` had returned.
        """
        given = [
            Answered(self._requests[id], response)
            for id, response in self._responses.items()
            if id in self._requests
        ]
        settled: list[e.Event] = []
        if self._way.sender() is not None:
            for answered in given:
                settled += self._response_event(*answered)
        return [*settled, *super().close(error)]

    def _read(self, reader: Reader) -> None:
        # In the context of the run's start: an answer comes on any thread, and prints should find
        # their cell.
        take = partial(self._take, self._decode)
        self._context.copy().run(reader.start, take, self._on_reader_end)

    def _on_reader_end(self, error: BaseException | None) -> None:
        if error is None and not self._stopped:
            error = self._hand_on(self._pause)
        with self._lock:
            waits = self._is_paused and error is None and not self._stopped
            self._is_paused = waits
        if waits:
            self._read_next()
        elif self._stopped:
            self._end(Cancelled())
        else:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        self._on_end(error)
        self._way.source = self._last = None  # a run may be kept for long

    def _read_next(self) -> None:
        """Read the stream that goes on with the run, if all questions are answered."""
        with self._lock:
            if not self._is_paused or self._waits():
                return
            self._is_paused = False
            answered = [
                Answered(request, self._responses[id]) for id, request in self._requests.items()
            ]
            self._requests, self._responses = {}, {}
            ask: Callable[[], Any] = partial(self._way.next_stream, answered, self._last)
            if self.loop is not None:
                ask = _on_loop(ask)
            self._reader = AnswerReader(ask, self.loop or own_loop())
        self._hand_on(self._go_on)
        self._read(self._reader)

    def _hand_on(self, make: Callable[..., Iterable[e.Event]], *args: Any) -> Exception | None:
        """Hand on events of our own.

        Return what that raised: in a rule of the user's, or since the loop is closed.
        """
        try:
            self._take(make, *args)
        except Exception as error:
            return error
        return None

    # --- answers ---

    def _answer(self, id: str, response: e.ApprovalResponse) -> None:
        """Take the answer of a question, on any thread.

        Args:
            id: of the question. The answer's own may differ: a reader that joins several runs makes
                their ids distinct.
            response: the answer.

        Raises:
            AnswerError: no question of that id waits, or the system cannot take the answer; the
                question then stays.
        """
        with self._lock:
            request = self._requests.get(id)
            if request is None or id in self._responses:
                raise AnswerError(
                    f"no question {id!r} waits for an answer: it has been answered, or its stream "
                    "has ended"
                )
            answered = Answered(request, replace(response, approval_id=id))
            self._way.form.check(answered)
            self._responses[id] = answered.response
        send = self._way.sender()
        if send is not None:
            self._deliver(answered, partial(send, answered))
        else:
            self._hand_on(self._response_event, *answered)
            self._read_next()

    def _deliver(self, answered: Answered, sending: Callable[[], Any]) -> None:
        """Send an answer on the stream's loop; in this thread if it has none."""
        if self.loop is None:
            try:
                result = sending()
            except Exception as error:
                self._on_delivered(answered, error)
                return
            if not inspect.isawaitable(result):
                self._on_delivered(answered, None)
                return
            sending = partial(lambda: result)
        asyncio.run_coroutine_threadsafe(
            self._deliver_on_loop(answered, sending), self.loop or own_loop()
        )

    async def _deliver_on_loop(self, answered: Answered, sending: Callable[[], Any]) -> None:
        try:
            await _on_loop(sending)()
        except Exception as error:
            self._on_delivered(answered, error)
        else:
            self._on_delivered(answered, None)

    def _on_delivered(self, answered: Answered, error: BaseException | None) -> None:
        if error is None:
            self._hand_on(self._response_event, *answered)
            return
        with self._lock:  # the question waits again
            self._responses.pop(answered.request.approval_id, None)
        message = f"The answer could not be sent: {safe_message(str(error))}"
        self._hand_on(lambda: [e.Status(message=message, level="warning")])

    def _waits(self) -> bool:
        return bool(self._requests.keys() - self._responses.keys())

    # --- events ---

    def _pause(self) -> Iterable[e.Event]:
        """Return the last events of the stream, and wait if it has questions that can be
        answered.
        """
        if self._way.sender() is not None:
            return ()
        events = pause(self._decoder)
        if events is None:
            return ()
        events = self._with_notable(events)
        self._is_paused = bool(self._requests)
        return events

    def _go_on(self) -> Iterable[e.Event]:
        go_on(self._decoder)
        return ()

    def _with_notable(self, events: list[e.Event]) -> list[e.Event]:
        """Return the events, each question with its way back and each answer once."""
        made = [made for event in events for made in self._of_approval(event)]
        return super()._with_notable(made)

    def _of_approval(self, event: e.Event) -> Iterable[e.Event]:
        match event:
            case e.ApprovalRequest():
                self._settled.discard(event.approval_id)  # some systems use an id again
                if self._is_ours(event):
                    event = self._ask(event)
                yield event
            case e.ApprovalResponse():
                with self._lock:
                    self._requests.pop(event.approval_id, None)
                if event.approval_id not in self._settled:
                    self._settled.add(event.approval_id)
                    yield event
            case e.ToolResult(status="ok" | "error") if event.id in self._denied:
                yield replace(event, status="denied")
            case _:
                yield event

    def _is_ours(self, request: e.ApprovalRequest) -> bool:
        """Return True if the answer of a question is ours to carry, and can be."""
        if request.reply is not None or not self._way.form.asks(request):
            return False
        return self._way.reaches(request, self._last)

    def _ask(self, request: e.ApprovalRequest) -> e.ApprovalRequest:
        request = self._way.form.offer(request)
        id = request.approval_id
        request = replace(request, reply=e.Live(e.Reply(partial(self._answer, id), request.args)))
        with self._lock:
            self._requests[id] = request
            self._responses.pop(id, None)
        return request

    def _response_event(
        self, request: e.ApprovalRequest, response: e.ApprovalResponse
    ) -> list[e.Event]:
        """Return the answer as an event, unless the stream has it already."""
        id = request.approval_id
        if self._way.sender() is not None:
            with self._lock:
                self._requests.pop(id, None)
        if id in self._settled:
            return []
        self._settled.add(id)
        is_denied = response.decision != "approve" and request.kind == "tool"
        if is_denied and request.tool_id is not None:
            self._denied.add(request.tool_id)
        return [
            replace(response, step=request.step, agent=request.agent, parent_id=request.parent_id)
        ]


def _on_loop(function: Callable[[], Any]) -> Callable[[], Coroutine[Any, Any, Any]]:
    """Return a coroutine function that calls a function on the loop, as frameworks expect that make
    tasks.
    """

    async def call() -> Any:
        result = function()
        if inspect.isawaitable(result):
            return await result
        return result

    return call


async def _without_errors(sending: Awaitable[None]) -> None:
    """Wait for a request whose failure changes nothing: the run has ended by itself, or cannot be
    reached.
    """
    with contextlib.suppress(StreamError):
        await sending
