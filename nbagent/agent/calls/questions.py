"""Questions of one agent run to its reader, and their answers."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from msgspec.structs import replace

from nbagent import events as e
from nbagent.errors import AnswerError, ToolError
from nbagent.events.question import decisions
from nbagent.run_context import CURRENT_RUN, RunContext

Check: TypeAlias = Callable[[Any], None]
"""Checks the value of an answer that approves; raises `ToolError` with the reason why it does not
fit.
"""

_WITH_ARGUMENTS: tuple[e.Decision, ...] = ("approve", "step", "again")

SEEN_AFTER_S = 1.0
"""Seconds after which a run must have shown the question of a breakpoint.

Else its stream has no events of the agent.
"""


class Questions:
    """The questions that wait for an answer.

    Args:
        emit: emits an event of the run.
    """

    def __init__(self, emit: Callable[[e.Event], Awaitable[None]]) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._waiting: dict[
            str, tuple[e.ApprovalRequest, Check, concurrent.futures.Future[e.ApprovalResponse]]
        ] = {}

    @property
    def waiting(self) -> list[e.ApprovalRequest]:
        """The questions without an answer, oldest first."""
        with self._lock:
            return [request for request, _, _ in self._waiting.values()]

    async def ask(
        self, request: e.ApprovalRequest, check: Check = lambda value: None
    ) -> e.ApprovalResponse:
        """Emit a question, and return its answer when it has come.

        Cancelling withdraws the question.

        Args:
            request: its `approval_id` is unique in the run.
            check: checks the answer's value; an answer that does not fit is refused, and the
                question stays.
        """
        future: concurrent.futures.Future[e.ApprovalResponse] = concurrent.futures.Future()
        request = replace(
            request, reply=e.Live(e.Reply(partial(self._answer, request.approval_id), request.args))
        )
        with self._lock:
            self._waiting[request.approval_id] = (request, check, future)
        try:
            await self._emit(request)
            around = await self._missed_by(request, future) if request.kind == "stop" else None
            if around is not None:
                around.report(replace(request, tool_id=None))
            response = await asyncio.wrap_future(future)
        finally:
            with self._lock:
                self._waiting.pop(request.approval_id, None)
        # the call shows it
        shown = replace(response, value=None) if response.decision == "result" else response
        await self._emit(shown)
        if around is not None:
            around.report(shown)
        return response

    async def _missed_by(
        self, request: e.ApprovalRequest, future: "concurrent.futures.Future[e.ApprovalResponse]"
    ) -> RunContext | None:
        """Return the run around if its stream does not contain the question, such as a stream of
        texts only.
        """
        around = CURRENT_RUN.get()
        await asyncio.wait([asyncio.wrap_future(future)], timeout=SEEN_AFTER_S)
        assert request.reply is not None
        if around is None or future.done() or around.run.has_question(request.reply.value):
            return None
        return around

    def _answer(self, id: str, response: e.ApprovalResponse) -> None:
        """Answer a question, from any thread.

        Args:
            id: of the question. The answer's own may differ: a reader that joins several runs makes
                their ids distinct.
            response: the answer.

        Raises:
            AnswerError: no question of that id waits, or the value does not fit; the question then
                stays.
        """
        with self._lock:
            request, check, future = self._waiting.get(id, (None, None, None))
        if request is None or check is None or future is None:
            raise AnswerError(
                f"no question {id!r} waits for an answer: it has been answered, or its run has "
                "ended"
            )
        if response.decision not in decisions(request):
            raise AnswerError(f"the question {id!r} cannot be answered with {response.decision!r}")
        if response.decision in _WITH_ARGUMENTS and response.value is not None:
            try:
                check(response.value)
            except ToolError as error:
                raise AnswerError(str(error)) from error
        try:
            future.set_result(replace(response, approval_id=id))
        except concurrent.futures.InvalidStateError:
            raise AnswerError(
                f"the question {id!r} has been answered already, or its run has ended"
            ) from None
