"""`Questions`: the questions of the runs of this process, which nobody may ever answer."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from nbagent import events as e
from nbagent.errors import AnswerError
from nbagent.events.question import Handler, Question, decisions
from nbagent.run import Run
from nbagent.server.limits import Limits

CANNOT_ASK = "It needs permission, and the client of this server cannot be asked."
"""Reason why a call was not allowed, for the model of a run whose client cannot answer."""

STOPPED_BY = "the server, because too many runs wait for an answer"


class Questions:
    """The questions that wait, by their runs.

    One that nobody answers is refused, so that its run goes on.

    Args:
        limits: `answer_timeout_s`, after which a question is refused, and `max_runs`, as many of
            which wait at most. If there are more, the one that waits longest is stopped. To refuse
            its question would not do: it may ask again.
        changed: called when another number of runs waits.
    """

    def __init__(self, limits: Limits, changed: Callable[[], None]) -> None:
        self._limits = limits
        self._changed = changed
        # the run that waits longest is the first
        self._timers: dict[Run, dict[str, asyncio.TimerHandle]] = {}

    @property
    def runs(self) -> int:
        """Number of the runs that wait for an answer."""
        return len(self._timers)

    def feed(self, run: Run, events: Sequence[e.Event]) -> None:
        """Take events of a run, and see which of its questions wait."""
        for event in events:
            match event:
                case e.ApprovalRequest() if event.reply is not None:
                    self._begin(run, event)
                case e.ApprovalResponse() if run in self._timers:
                    self._end(run, event.approval_id)

    def forget(self, run: Run) -> None:
        """Forget the questions of a run that has ended."""
        for approval_id in list(self._timers.get(run, ())):
            self._end(run, approval_id)

    def _begin(self, run: Run, request: e.ApprovalRequest) -> None:
        timeout_s = self._limits.answer_timeout_s
        timer = asyncio.get_running_loop().call_later(timeout_s, self._expire, run, request)
        self._timers.setdefault(run, {})[request.approval_id] = timer
        if len(self._timers) > self._limits.max_runs:
            oldest = next(iter(self._timers))
            oldest.cancel(by=STOPPED_BY)
            self.forget(oldest)
        self._changed()

    def _end(self, run: Run, approval_id: str) -> None:
        timers = self._timers[run]
        if approval_id in timers:
            timers.pop(approval_id).cancel()
        if not timers:
            del self._timers[run]
            self._changed()

    def _expire(self, run: Run, request: e.ApprovalRequest) -> None:
        reason = f"Nobody answered in {self._limits.answer_timeout_s:g} s."
        with contextlib.suppress(AnswerError):  # somebody has answered in this moment
            run.respond(request.approval_id, refusal(request), reason=reason)


def refusal(request: e.ApprovalRequest) -> e.Decision:
    """Return the decision that refuses a question.

    At a breakpoint that asks for no permission, the run just goes on.
    """
    return "deny" if "deny" in decisions(request) else "approve"


def _refuse(question: Question) -> None:
    if question.stage in (None, "call"):
        question.deny(CANNOT_ASK)
    else:
        question.allow()


def _refuse_inputs(question: Question) -> None:
    if question.kind != "tool":
        _refuse(question)


Answers: TypeAlias = Literal["all", "permissions", "none"]
"""Questions that a client can answer."""

REFUSING: Mapping[str, Handler] = {"permissions": _refuse_inputs, "none": _refuse}
"""Handlers that refuse the questions which a client cannot answer."""
