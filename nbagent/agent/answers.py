"""`Answers`: a handler that answers the questions of a run that nobody reads."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nbagent import events as e
from nbagent.agent.run.outcome import Outcome
from nbagent.agent.tools.tool import in_thread
from nbagent.events.question import Handler, Question

if TYPE_CHECKING:
    from nbagent.agent.agent_stream import AgentStream


class Answers:
    """Reads a run, and has its questions answered.

    As a context manager: what the handler still does is cancelled at the end.

    Args:
        handler: called with each question: in a thread, or awaited on this loop if it is an `async
            def`. None if there is none.
        outcome: of the run; gets its events.

    Raises:
        TypeError: the handler is not a function.
    """

    def __init__(self, handler: Handler | None, outcome: Outcome) -> None:
        if handler is not None and not callable(handler):
            raise TypeError(
                "answer= must be a function that is called with each question; got "
                f"{type(handler).__name__}"
            )
        self._handler = handler
        self._outcome = outcome
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    async def read(self, stream: "AgentStream") -> None:
        """Read a run to its end.

        Raises:
            AgentError: a question gets no answer.
            Exception: the handler raised it.
        """
        events: AsyncIterator[e.Event] = aiter(stream)
        async for event in events:
            self._outcome.feed(event)
            if isinstance(event, e.ApprovalRequest):
                if self._handler is None:
                    raise self._outcome.unanswered(event)
                task = asyncio.create_task(self._answer(self._handler, event, stream))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        if self._error is not None:
            raise self._error

    async def _answer(
        self, handler: Handler, request: e.ApprovalRequest, stream: "AgentStream"
    ) -> None:
        """Have a question answered. If that fails, end the run: it would wait for ever."""
        answered: list[str] = []

        def respond(
            id: str, decision: e.Decision = "approve", value: Any = None, **options: Any
        ) -> None:
            assert request.reply is not None
            request.reply.value.send(
                e.ApprovalResponse(approval_id=id, decision=decision, value=value, **options)
            )
            answered.append(id)

        question = Question(respond, request, self._outcome.tool_of(request))
        try:
            is_async = inspect.iscoroutinefunction(handler)
            question.answer_as(
                await handler(question) if is_async else await in_thread(lambda: handler(question))
            )
            if not answered:
                raise self._outcome.unanswered(request)
        except Exception as error:
            self._error = error
            stream.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
