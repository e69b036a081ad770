"""The sub-agents of a hosted session, and whose turn an event belongs to."""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import str_field
from nbagent.adapters.base.subagents import Subagents


class SessionAgents:
    """Stamps events with the agent that speaks. A sub-agent outlives its turns: it can be closed, and work again."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._agents = Subagents(builder)
        self._names: dict[str, str] = {}
        self._failed: set[str] = set()
        self._turns: dict[str, str] = {}

    def speak(self, turn_id: str | None) -> None:
        """What follows is said in that turn; in none, or one that is no sub-agent's, by the session's own agent."""
        worker = self._turns.get(turn_id or "")
        self._builder.envelope["parent_id"] = self._agents.id_of(worker)
        self._builder.envelope["agent"] = self._names.get(worker or "")

    def has(self, turn_id: str) -> bool:
        """Return True if the turn is a sub-agent's."""
        return turn_id in self._turns

    def start(self, payload: Mapping[str, Any], tool_id: str | None) -> None:
        """A sub-agent is there, made by that call, or again after it was closed."""
        agent_id = str(payload.get("id"))
        self._names[agent_id] = str_field(payload, "name") or agent_id
        self._failed.discard(agent_id)
        self._agents.start(agent_id, self._names[agent_id], tool_id=tool_id, parent=str(payload.get("parent_agent_id")))

    def end(self, agent_id: str) -> None:
        """A sub-agent was closed."""
        self._agents.end(agent_id, "failed" if agent_id in self._failed else "completed")

    def begin_turn(self, turn_id: str, agent_id: str) -> None:
        """A turn of a sub-agent; of one that was made before the stream was joined, too."""
        self._turns[turn_id] = agent_id
        self._agents.start(agent_id, self._names.setdefault(agent_id, agent_id))

    def end_turn(self, turn_id: str, agent_id: str, *, failed: bool) -> None:
        """A turn of a sub-agent is over."""
        self._turns.pop(turn_id, None)
        if failed:
            self._failed.add(agent_id)

    def end_all(self, status: ev.RunStatus) -> None:
        """The run is over, and every agent with it."""
        self._agents.end_all(status)
