"""The continuation of a stream whose questions have been answered: the answers are sent to it, or
another stream follows it.
"""

import asyncio
import contextlib
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any, ClassVar, NamedTuple

from msgspec.structs import replace

from nbagent import events as e
from nbagent.adapters.answers import answer_form
from nbagent.adapters.base.answers import Answered, AnswerForm, Answers
from nbagent.adapters.base.decoder import Decoder
from nbagent.adapters.base.fields import safe_message
from nbagent.adapters.detect import DetectingDecoder, go_on, pause
from nbagent.errors import AnswerError, Cancelled, StreamError
from nbagent.run.answer_reader import AnswerReader
from nbagent.run.successive import SuccessiveStreams
from nbagent.runtime.loop import OwnedStream, submit
from nbagent.runtime.loop import loop as own_loop
from nbagent.sources.following import following, request_of
from nbagent.sources.objects import Reader
from nbagent.sources.stream import ServiceStream

_OF_APPROVALS = frozenset({e.ApprovalRequest, e.ApprovalResponse, e.ToolResult})


class _StreamOver(NamedTuple):
    """Item that stands for the end of the stream, so that the decoder says whether the run
    waits.
    """


class _GoesOn(NamedTuple):
    """Item that stands for the beginning of the next stream."""


class _Given(NamedTuple):
    """Item that stands for an answer that the asker has, or will have once the next stream
    begins.
    """

    answered: Answered


class _NotSent(NamedTuple):
    """Item that stands for an answer that could not be sent."""

    error: BaseException


class Continuation(SuccessiveStreams):
    """A stream whose questions are answered, and the streams that go on with its run.

    A question gets a way back if the stream has one, the first of these:

    1. `send`, or without `resume` a connection that takes messages: each answer is sent when it is
      given, and the stream goes
       on by itself.
    2. `resume`, or a system that another request or call goes on with: the run waits when the
      stream has ended, and once all
       questions are answered the next stream is read, by the same decoder.

    Args:
        reader: reads the stream.
        decoder: decodes its items, and those of the streams that follow.
        source: the stream.
        resume: returns the stream that goes on, or an awaitable of it.
        send: carries one answer, in the form of the system; it may be an `async def`.

    Raises:
        TypeError: one of the two is not a function, or both are given.
    """

    system: ClassVar[str] = "continuation"

    def __init__(
        self,
        reader: Reader,
        decoder: Decoder,
        source: Any,
        resume: Callable[[Answers], Any] | None = None,
        send: Callable[[Any], Any] | None = None,
    ) -> None:
        for name, function in (("resume", resume), ("send", send)):
            if function is not None and not callable(function):
                raise TypeError(f"{name}= must be a function; got {type(function).__name__}")
        if resume is not None and send is not None:
            raise TypeError(
                "resume= is for a stream that ends while it waits, send= for one that stays open: "
                "give one of them"
            )
        super().__init__(reader, decoder)
        self._source: Any = source
        if isinstance(source, ServiceStream):
            source.waits = self._waits
        self._resume = resume
        self._send = send
        # questions with a way back, of this stream
        self._requests: dict[str, e.ApprovalRequest] = {}
        self._responses: dict[str, e.ApprovalResponse] = {}  # their answers
        self._settled: set[str] = set()  # questions whose answer is among the run's events
        self._denied: set[str] = set()  # tool calls that the reader did not allow
        self._last: Any = None
        self._is_paused = False  # the stream has ended, and the run waits
        self._context = contextvars.copy_context()

    # --- the reader ---

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read."""
        self._context = contextvars.copy_context()
        super().start(on_item, on_end)

    def _start(self, reader: Reader) -> None:
        # In the context of the run's start: an answer comes on any thread, and prints should find
        # their cell.
        self._context.copy().run(reader.start, self._on_item, self._on_reader_end)

    def cancel(self) -> None:
        """Stop reading, or waiting for answers."""
        with self._lock:
            self._stopped = True
            was_paused, self._is_paused = self._is_paused, False
        self._request_stop()
        if was_paused:
            self._end(Cancelled())
        else:
            self._reader.cancel()

    def _request_stop(self) -> None:
        """Ask the service to stop the run, if it would go on without a reader."""
        source = self._source
        if (
            not isinstance(source, ServiceStream)
            or not source.takes_posts
            or (request := source.request_parts) is None
        ):
            return
        stop = self._form.stop_request(request[0])
        if stop is not None:
            submit(_without_errors(source.post(lambda url: stop)))

    def _on_reader_end(self, error: BaseException | None) -> None:
        if error is None and not self._stopped:
            error = self._hand_on(_StreamOver())
        with self._lock:
            waits = self._is_paused and error is None and not self._stopped
            self._is_paused = waits
        if waits:
            self._read_next()
        else:
            self._end(Cancelled() if self._stopped else error)

    def _end(self, error: BaseException | None) -> None:
        self._on_end(error)
        self._source = self._last = None  # a run may be kept for long

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
            ask = partial(self._next_stream, answered)
            self._reader = AnswerReader(
                ask if self.loop is None else _on_loop(ask), self.loop or own_loop()
            )
        self._hand_on(_GoesOn())
        self._start(self._reader)

    def _next_stream(self, answered: list[Answered]) -> Any:
        """Return the stream that goes on with the run, or an awaitable of it."""
        form, source = self._form, self._source
        request = self._next_request(answered) if self._resume is None else None
        if request is not None:
            return self._noted(following(source, *request))
        value = form.value(answered, self._last)
        if self._resume is not None:
            return self._resume(Answers(value, [response for _, response in answered], self._last))
        return self._noted(
            form.next_stream(self._last if form.continues(self._last) else source, value)
        )

    def _noted(self, stream: Any) -> Any:
        """Return the stream, or the awaitable of it, which is the source from now on: it may pause,
        too.
        """
        if not inspect.isawaitable(stream):
            self._source = stream
            return stream

        async def awaited() -> Any:
            self._source = await stream
            return self._source

        return awaited()

    def _next_request(self, answered: list[Answered]) -> tuple[str, Any] | None:
        """Return address and body of the HTTP request that goes on with the run; None if there is
        no such way.
        """
        request = request_of(self._source)
        return None if request is None else self._form.next_request(*request, answered)

    def _hand_on(self, item: Any) -> Exception | None:
        """Hand on an item of our own.

        Return what that raised: in a rule of the user's, or since the loop is closed.
        """
        try:
            self._on_item(item)
        except Exception as error:
            return error
        return None

    # --- the answers ---

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
            self._form.check(answered)
            self._responses[id] = answered.response
        if (send := self._sender) is not None:
            self._deliver(answered, partial(send, answered))
        else:
            self._hand_on(_Given(answered))
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
        if error is not None:
            with self._lock:  # the question waits again
                self._responses.pop(answered.request.approval_id, None)
        self._hand_on(_Given(answered) if error is None else _NotSent(error))

    @property
    def _form(self) -> AnswerForm:
        return answer_form(self._decoder.system)

    @property
    def _sender(self) -> Callable[[Answered], Any] | None:
        """The function that carries an answer to a stream that stays open; None if there is
        none.
        """
        if self._send is not None:
            return self._send_by_user
        form, source = self._form, self._source
        if not isinstance(source, ServiceStream) or self._resume is not None:
            return None
        if form.has_messages and source.takes_messages:
            return lambda answered: source.send(form.message(answered))
        if (
            source.takes_posts
            and (request := source.request_parts) is not None
            and form.can_post(request[0])
        ):
            return lambda answered: source.post(partial(form.post, answered=answered))
        return None

    def _send_by_user(self, answered: Answered) -> Any:
        message = self._form.message(answered)
        assert self._send is not None
        return self._send(answered.response if message is None else message)

    def _waits(self) -> bool:
        return bool(self._requests.keys() - self._responses.keys())

    def _has_way(self, request: e.ApprovalRequest) -> bool:
        """Return True if the answer of a question can be carried back."""
        if self._send is not None or self._resume is not None:
            return True
        if not self._form.reaches(request):
            return False
        if self._sender is not None:
            return True
        return (
            self._next_request([]) is not None
            or self._form.continues(self._last)
            or self._form.continues(self._source)
        )

    # --- the decoder ---

    def feed(self, item: Any) -> Iterable[e.Event]:
        """Return the events of one item."""
        match item:
            case _StreamOver():
                return self._pause()
            case _GoesOn():
                go_on(self._decoder)
                return ()
            case _Given():
                return self._response_event(*item.answered)
            case _NotSent():
                return [
                    e.Status(
                        message=f"The answer could not be sent: {safe_message(str(item.error))}",
                        level="warning",
                    )
                ]
        self._last = item
        events = self._decoder.feed(item)
        decoded = events if isinstance(events, list) else list(events)
        return (
            decoded if _OF_APPROVALS.isdisjoint(map(type, decoded)) else self._with_replies(decoded)
        )

    def close(self, error: BaseException | None = None) -> Iterable[e.Event]:
        """End the run, by EOF or by `error`.

        First comes an answer to which the stream reacted before `send` had returned.
        """
        given = [
            Answered(self._requests[id], response)
            for id, response in self._responses.items()
            if id in self._requests
        ]
        settled = (
            [event for answered in given for event in self._response_event(*answered)]
            if self._sender is not None
            else []
        )
        # a run may be kept for long; its decoder's state goes
        decoder, self._decoder = (
            self._decoder,
            DetectingDecoder(),
        )
        return [*settled, *decoder.close(error)]

    def _pause(self) -> Iterable[e.Event]:
        """Return the last events of the stream, and wait if it has questions that can be
        answered.
        """
        if self._sender is not None:
            return ()
        events = pause(self._decoder)
        if events is None:
            return ()
        events = self._with_replies(events)
        self._is_paused = bool(self._requests)
        return events

    def _with_replies(self, events: Iterable[e.Event]) -> list[e.Event]:
        """Return the events, each question with its way back and each answer once."""
        return [made for event in events for made in self._of_approval(event)]

    def _of_approval(self, event: e.Event) -> Iterable[e.Event]:
        match event:
            case e.ApprovalRequest():
                self._settled.discard(event.approval_id)  # some systems use an id again
                is_ours = event.reply is None and self._form.asks(event) and self._has_way(event)
                yield self._ask(event) if is_ours else event
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

    def _ask(self, request: e.ApprovalRequest) -> e.ApprovalRequest:
        request = self._form.offer(request)
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
        if self._sender is not None:
            with self._lock:
                self._requests.pop(id, None)
        if id in self._settled:
            return []
        self._settled.add(id)
        if (
            response.decision != "approve"
            and request.kind == "tool"
            and request.tool_id is not None
        ):
            self._denied.add(request.tool_id)
        return [
            replace(response, step=request.step, agent=request.agent, parent_id=request.parent_id)
        ]


def continued(
    reader: Reader,
    decoder: Decoder,
    source: Any,
    resume: Callable[[Answers], Any] | None = None,
    send: Callable[[Any], Any] | None = None,
) -> tuple[Reader, Decoder]:
    """Return the reader and the decoder of a stream with a way back for answers; see
    `Continuation`.

    A stream of nbagent's own agent needs none: its questions carry theirs.

    Raises:
        TypeError: `resume` or `send` is not a function, or both are given.
    """
    if (
        resume is None
        and send is None
        and isinstance(source, OwnedStream)
        and not isinstance(source, ServiceStream)
    ):
        return reader, decoder
    continuation = Continuation(reader, decoder, source, resume, send)
    return continuation, continuation


def _on_loop(function: Callable[[], Any]) -> Callable[[], Coroutine[Any, Any, Any]]:
    """Return a coroutine function that calls a function on the loop, as frameworks expect that make
    tasks.
    """

    async def call() -> Any:
        result = function()
        return await result if inspect.isawaitable(result) else result

    return call


async def _without_errors(sending: Awaitable[None]) -> None:
    """Wait for a request whose failure changes nothing: the run has ended by itself, or cannot be
    reached.
    """
    with contextlib.suppress(StreamError):
        await sending
