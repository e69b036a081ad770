"""`AnswerWay`: the way of answers to a stream's questions back to its system."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from nbagent import events as e
from nbagent.adapters.answers import answer_form
from nbagent.adapters.base.answers import Answered, AnswerForm, Answers
from nbagent.sources.following import following, request_of
from nbagent.sources.stream import ServiceStream


class AnswerWay:
    """The way of answers back to the system of a stream: they are sent to it, or another stream
    follows that takes them along.

    Args:
        source: the stream.
        system: returns the name of its system, as far as it is known.
        resume: returns the stream that goes on, or an awaitable of it.
        send: carries one answer, in the form of the system; it may be an `async def`.

    Attributes:
        source: the stream that is read now: the one that follows may pause, too.

    Raises:
        TypeError: one of the two is not a function, or both are given.
    """

    def __init__(
        self,
        source: Any,
        system: Callable[[], str],
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
        self.source = source
        self._system = system
        self._resume = resume
        self._send = send

    @property
    def form(self) -> AnswerForm:
        """The form in which the system takes answers."""
        return answer_form(self._system())

    def sender(self) -> Callable[[Answered], Any] | None:
        """Return the function that carries an answer to a stream that stays open; None if there is
        none.

        What it returns may be an awaitable.
        """
        if self._send is not None:
            return partial(self._send_by_user, self._send)
        form, source = self.form, self.source
        if not isinstance(source, ServiceStream) or self._resume is not None:
            return None
        if form.has_messages and source.takes_messages:
            return lambda answered: source.send(form.message(answered))
        request = source.request_parts
        if source.takes_posts and request is not None and form.can_post(request[0]):
            return lambda answered: source.post(partial(form.post, answered=answered))
        return None

    def reaches(self, request: e.ApprovalRequest, last: Any) -> bool:
        """Return True if the answer of a question can be carried back.

        Args:
            request: the question.
            last: the stream's last item.
        """
        if self._send is not None or self._resume is not None:
            return True
        form = self.form
        if not form.reaches(request):
            return False
        if self.sender() is not None or self._next_request([]) is not None:
            return True
        return form.continues(last) or form.continues(self.source)

    def next_stream(self, answered: Sequence[Answered], last: Any) -> Any:
        """Return the stream that goes on with the run, or an awaitable of it."""
        form = self.form
        if self._resume is not None:
            value = form.value(answered, last)
            return self._resume(Answers(value, [response for _, response in answered], last))
        request = self._next_request(answered)
        if request is not None:
            return self._noted(following(self.source, *request))
        paused = self.source
        if form.continues(last):
            paused = last
        return self._noted(form.next_stream(paused, form.value(answered, last)))

    def stopping(self) -> Awaitable[None] | None:
        """Return the request that stops a run which would go on without a reader; None if its
        service has none.
        """
        source = self.source
        if not isinstance(source, ServiceStream) or not source.takes_posts:
            return None
        request = source.request_parts
        if request is None:
            return None
        stop = self.form.stop_request(request[0])
        if stop is None:
            return None
        return source.post(lambda url: stop)

    def _send_by_user(self, send: Callable[[Any], Any], answered: Answered) -> Any:
        message = self.form.message(answered)
        if message is None:
            message = answered.response
        return send(message)

    def _next_request(self, answered: Sequence[Answered]) -> tuple[str, Any] | None:
        """Return address and body of the HTTP request that goes on with the run; None if there is
        no such way.
        """
        request = request_of(self.source)
        if request is None:
            return None
        return self.form.next_request(*request, answered)

    def _noted(self, stream: Any) -> Any:
        """Return the stream, or the awaitable of it, which is the source from now on."""
        if not inspect.isawaitable(stream):
            self.source = stream
            return stream

        async def awaited() -> Any:
            self.source = await stream
            return self.source

        return awaited()
