"""`CallContext`: what the code of a running tool may reach of its run, without being handed it."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass

from nbagent import events as e
from nbagent.agent.output import CallOutput
from nbagent.agent.plan import Plan
from nbagent.agent.questions import Questions
from nbagent.agent.results import Results


@dataclass(frozen=True, kw_only=True, slots=True)
class CallContext:
    """A tool call in progress.

    Attributes:
        id: of the call, in events.
        name: of the tool.
        plan: the parameters of the run.
        questions: asks the run's reader.
        emit: emits an event of the run; to be awaited on nbagent's own loop.
        output: takes what the tool prints, and its progress.
        results: takes what the tool displays.
    """

    id: str
    name: str
    plan: Plan
    questions: Questions
    emit: Callable[[e.Event], Awaitable[None]]
    output: CallOutput
    results: Results


CURRENT_CALL: ContextVar[CallContext | None] = ContextVar("nbagent_call", default=None)
"""The call whose tool runs here, also in the thread of a sync one; None outside of tools."""
