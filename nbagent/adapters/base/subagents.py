"""Sub-agents of a run: each starts once and ends with the run at the latest."""

from collections.abc import Hashable

from nbagent import events as ev
from nbagent.adapters.base.builder import EventBuilder


class Subagents:
    """The open sub-agents of one run, by their upstream key."""

    def __init__(self, builder: EventBuilder) -> None:
        self._builder = builder
        self._open: dict[Hashable, ev.AgentStart] = {}

    def start(
        self, key: Hashable, name: str, *, tool_id: str | None = None, parent: Hashable = None
    ) -> str:
        """Return the id of the agent of that key, started if it is not open.

        Args:
            key: the upstream key of the agent.
            name: its name, for a reader.
            tool_id: our id of the tool call that runs it.
            parent: the key of the agent that contains it.
        """
        found = self._open.get(key)
        if found is None:
            envelope = {**self._builder.envelope, "parent_id": tool_id or self.id_of(parent)}
            found = ev.AgentStart(
                id=self._builder.mint("agent"), name=name, tool_id=tool_id, **envelope
            )
            self._open[key] = found
            self._builder.write(found)
        return found.id

    def id_of(self, key: Hashable) -> str | None:
        """Return the id of the open agent of that key, or None."""
        found = self._open.get(key)
        if found is None:
            return None
        return found.id

    def paths(self) -> list[tuple[str, ...]]:
        """Return the keys of the open agents that are tuples: paths in a tree of graphs."""
        return [key for key in self._open if isinstance(key, tuple)]

    def end(self, key: Hashable, status: ev.RunStatus = "completed") -> None:
        """End the agent of that key, if it is open."""
        started = self._open.pop(key, None)
        if started is not None:
            self._builder.write(
                ev.AgentEnd(
                    id=started.id,
                    name=started.name,
                    status=status,
                    step=started.step,
                    parent_id=started.parent_id,
                )
            )

    def end_all(self, status: ev.RunStatus) -> None:
        """End every open agent, the innermost first."""
        for key in reversed(list(self._open)):
            self.end(key, status)
