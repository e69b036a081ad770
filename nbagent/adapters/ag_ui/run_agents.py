"""`RunAgents`: the sub-agents of a run of AG-UI."""

from collections.abc import Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import str_field
from nbagent.events.jsonable import text_safe


class RunAgents:
    """Writes the starts and ends of sub-agents, and puts the agent of an event into the envelope.

    Args:
        builder: of the decoder.
        calls: of the run, by the ids of AG-UI; an agent may work inside one.
    """

    def __init__(self, builder: EventBuilder, calls: Mapping[str, Block]) -> None:
        self._builder = builder
        self._calls = calls
        self._starts: dict[str, ev.AgentStart] = {}  # of the open agents, by their runs' ids

    def enter(self, run_id: str) -> None:
        """Put the agent of that run into the envelope; none if there is no such run."""
        self._leave()
        agent = self._starts.get(run_id)
        if agent is not None:
            self._builder.envelope |= {"parent_id": agent.id, "agent": agent.name}

    def _leave(self) -> None:
        for name in ("parent_id", "agent"):
            self._builder.envelope.pop(name, None)

    def start(self, event: Mapping[str, Any]) -> None:
        """Write the start of an agent, unless it was written."""
        run_id = event["subagentRunId"]
        self._builder.envelope.pop("agent", None)
        if run_id in self._starts:
            return
        envelope = self._builder.envelope
        parent = self._starts.get(str_field(event, "parentSubagentRunId", default=""))
        if parent is not None:
            envelope = {**envelope, "parent_id": parent.id}
        call = self._calls.get(str_field(event, "parentToolCallId", default=""))
        start = ev.AgentStart(
            id=self._builder.mint("agent"),
            name=text_safe(str_field(event, "name", default="agent")),
            tool_id=block_id(call),
            **envelope,
        )
        self._starts[run_id] = start
        self._builder.write(start)

    def end(self, run_id: str, status: ev.RunStatus) -> None:
        """Write the end of an agent, if it is open."""
        start = self._starts.pop(run_id, None)
        if start is None:
            return
        self._leave()
        self._builder.write(
            ev.AgentEnd(
                id=start.id,
                name=start.name,
                status=status,
                **(self._builder.envelope | {"parent_id": start.parent_id}),
            )
        )

    def end_all(self, status: ev.RunStatus) -> None:
        """Write the ends of all open agents, the last one first."""
        for run_id in reversed(list(self._starts)):
            self.end(run_id, status)
