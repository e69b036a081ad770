"""`CallContext`: the parts of a run that a tool's code reaches without being handed them."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count

from nbagent import events as e
from nbagent.agent.calls.output import CallOutput
from nbagent.agent.calls.questions import Questions
from nbagent.agent.calls.results import CallResults
from nbagent.agent.model.recorded_run import Record
from nbagent.agent.run.history import Conversation
from nbagent.agent.run.limits import Spending


@dataclass(frozen=True, kw_only=True, slots=True)
class CallContext:
    """A tool call in progress.

    Attributes:
        id: of the call, in events.
        name: of the tool.
        path: names of the agents at work, one inside another; the last one made the call.
        allowed: names of the tools that the reader has allowed for good.
        questions: asks the run's reader.
        emit: emits an event of the run; to be awaited on nbagent's own loop.
        spending: counts the tokens of the run.
        conversations: of the agents inside the run's calls, by their ids in the run's events.
        inside: id of the agent that made the call, if it works inside a call itself; else None.
        record: calls that were made before by agents inside calls of the tool; None if there are
            none.
        agents: numbers the agents that work inside the call.
        output: takes what the tool prints, and its progress.
        results: takes what the tool displays.
    """

    id: str
    name: str
    path: tuple[str, ...]
    allowed: set[str]
    questions: Questions
    emit: Callable[[e.Event], Awaitable[None]]
    spending: Spending
    output: CallOutput
    results: CallResults
    conversations: dict[str, Conversation] = field(default_factory=dict)
    inside: str | None = None
    record: Record | None = None
    agents: "count[int]" = field(default_factory=lambda: count(1))

    def id_of_agent(self, id: str) -> str:
        """Return the id of an agent inside the call, as the outermost run's events have it.

        Args:
            id: of the agent, as the call's own run names it.
        """
        if self.inside is None:
            return id
        return f"{self.inside}/{id}"


CURRENT_CALL: ContextVar[CallContext | None] = ContextVar("nbagent_call", default=None)
"""The call whose tool runs here, also in the thread of a sync one; None outside of tools."""
