"""Agents that work inside a run: started once, stamped on what they say, and ended with the run at the latest."""

from collections.abc import Hashable

from nbagent import events as ev
from nbagent.adapters.base.builder import EventBuilder


class Subagents:
    """The agents of one run that are at work, by what the system calls them."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._open: dict[Hashable, ev.AgentStart] = {}

    def start(self, key: Hashable, name: str, *, tool_id: str | None = None, parent: Hashable = None) -> str:
        """The id of the agent of that key, started if it is not at work. `parent`: the key of the agent around it."""
        found = self._open.get(key)
        if found is None:
            outer = self._open.get(parent)
            envelope = {**self._builder.envelope, "parent_id": tool_id or (outer.id if outer else None)}
            found = ev.AgentStart(id=self._builder.mint("agent"), name=name, tool_id=tool_id, **envelope)
            self._open[key] = found
            self._builder.write(found)
        return found.id

    def id_of(self, key: Hashable) -> str | None:
        """The id of the agent of that key, if it is at work."""
        found = self._open.get(key)
        return None if found is None else found.id

    def paths(self) -> list[tuple[str, ...]]:
        """The keys of the agents at work that are paths: where in a tree of graphs they stand."""
        return [key for key in self._open if isinstance(key, tuple)]

    def end(self, key: Hashable, status: ev.RunStatus = "completed") -> None:
        """The agent of that key is done."""
        started = self._open.pop(key, None)
        if started is not None:
            self._builder.write(
                ev.AgentEnd(id=started.id, name=started.name, status=status, step=started.step, parent_id=started.parent_id)
            )

    def end_all(self, status: ev.RunStatus) -> None:
        """The run is over, and every agent with it, the inner ones first."""
        for key in reversed(list(self._open)):
            self.end(key, status)
