"""Sub-agents of a hosted session, and the turns that are theirs."""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import str_field
from nbagent.adapters.base.subagents import Subagents


class SessionAgents:
    """Puts the agent of a turn into the envelope.

    A sub-agent outlives its turns; it can be closed and work again.
    """

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._agents = Subagents(builder)
        self._names: dict[str, str] = {}
        self._failed: set[str] = set()
        self._turns: dict[str, str] = {}

    def select(self, turn_id: str | None) -> None:
        """Attribute the following events to the sub-agent of that turn, else to the session's own
        agent.
        """
        worker = self._turns.get(turn_id or "")
        self._builder.envelope["parent_id"] = self._agents.id_of(worker)
        self._builder.envelope["agent"] = self._names.get(worker or "")

    def has(self, turn_id: str) -> bool:
        """Return True if the turn is a sub-agent's."""
        return turn_id in self._turns

    def start(self, payload: Mapping[str, Any], tool_id: str | None) -> None:
        """Start a sub-agent that was created by that call, or start it again after it was
        closed.
        """
        agent_id = str(payload.get("id"))
        self._names[agent_id] = str_field(payload, "name", default=agent_id)
        self._failed.discard(agent_id)
        self._agents.start(
            agent_id,
            self._names[agent_id],
            tool_id=tool_id,
            parent=str(payload.get("parent_agent_id")),
        )

    def end(self, agent_id: str) -> None:
        """End a sub-agent that was closed."""
        self._agents.end(agent_id, "failed" if agent_id in self._failed else "completed")

    def begin_turn(self, turn_id: str, agent_id: str) -> None:
        """Start a turn of a sub-agent, which may have been created before this stream was
        opened.
        """
        self._turns[turn_id] = agent_id
        self._agents.start(agent_id, self._names.setdefault(agent_id, agent_id))

    def end_turn(self, turn_id: str, agent_id: str, *, failed: bool) -> None:
        """End a turn of a sub-agent."""
        self._turns.pop(turn_id, None)
        if failed:
            self._failed.add(agent_id)

    def end_all(self, status: ev.RunStatus) -> None:
        """End every sub-agent with the run."""
        self._agents.end_all(status)
