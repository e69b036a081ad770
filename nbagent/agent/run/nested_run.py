"""`NestedRun`: a run, and those of the agents inside its calls, each as a run of its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent.model.recorded_run import Record, RecordedCall, RecordedRun, RecordedStep
from nbagent.agent.run.history import Conversation
from nbagent.events.ids import without_id_prefix
from nbagent.transcript.block import short_id

_TASK = "task"
"""Argument that is the prompt of an agent inside a call."""


@dataclass(frozen=True, slots=True)
class NestedRun:
    """A run, and the call that it is inside of.

    Attributes:
        recorded: its responses with their calls.
        id: of the agent in the events of the outermost run; None for the outermost.
        outer: the run that it is inside of, and the attributes that follow; None for the outermost.
        step: the response of the outer run that made the call.
        call: the call of the outer run.
    """

    recorded: RecordedRun
    id: str | None = None
    outer: "NestedRun | None" = None
    step: RecordedStep | None = None
    call: RecordedCall | None = None

    @property
    def prompt(self) -> str:
        """The user's first message; empty if it is not known."""
        if not self.recorded.prompts:
            return ""
        return self.recorded.prompts[0][0].text

    def exact(self, outermost: Any) -> Any:
        """Return the exact history of the run; None if it is not known.

        Args:
            outermost: that of the outermost run, or None.
        """
        if self.outer is None or self.id is None:
            return outermost
        around = self.outer.exact(outermost)
        if not isinstance(around, Conversation):
            return None
        id = self.id
        if self.outer.id is not None:
            id = id.removeprefix(f"{self.outer.id}/")
        return around.inside.get(id)

    def walk(self) -> Iterator["NestedRun"]:
        """Yield this run and those inside its calls, each before those inside of it."""
        yield self
        for inner in self.inner():
            yield from inner.walk()

    def block_ids(self, call: RecordedCall) -> tuple[str, str]:
        """Return the ids that the block of one of its calls may have."""
        id = short_id(self._outermost_id(call.start.id))
        return id, f"tool:{id}"

    def inner(self) -> Iterator["NestedRun"]:
        """Yield the runs of agents inside the calls of this one."""
        calls = {
            call.start.id: (step, call)
            for step in self.recorded.steps
            for call in step.calls.values()
        }
        for start, events in _by_agent(self.recorded.events, calls):
            step, call = calls[start.parent_id or ""]
            made = RecordedRun([*_prompt(call), *events], start.name)
            yield NestedRun(made, self._outermost_id(start.id), self, step, call)

    def _outermost_id(self, id: str) -> str:
        """Return an id of this run as the events of the outermost run have it."""
        return id if self.id is None else f"{self.id}/{id}"


def record_of(runs: Iterable[NestedRun]) -> Record:
    """Return the calls of runs, with those inside of them, for tools that must not be called
    twice.
    """
    known = list(runs)
    calls = [call for run in known for call in run.recorded.calls]
    return Record(calls, records_inside(inner for run in known for inner in run.inner()))


def records_inside(runs: Iterable[NestedRun]) -> dict[str, Record]:
    """Return the calls of runs inside calls by the tool of these."""
    by_tool: dict[str, list[NestedRun]] = {}
    for run in runs:
        if run.call is not None:
            by_tool.setdefault(run.call.start.name, []).append(run)
    return {tool: record_of(each) for tool, each in by_tool.items()}


def _by_agent(
    events: Iterable[e.Event], calls: Iterable[str]
) -> list[tuple[e.AgentStart, list[e.Event]]]:
    """Return the agents inside calls, each with its events as those of a run of its own.

    Args:
        events: of the run.
        calls: ids of its calls.
    """
    tools = set(calls)
    starts: dict[str, e.AgentStart] = {}
    owners: dict[str, str] = {}  # ids of agents, by those of what is inside them
    made: dict[str, list[e.Event]] = {}
    for event in events:
        if isinstance(event, e.AgentStart) and event.parent_id in tools:
            starts.setdefault(event.id, event)
            owners[event.id] = event.id
            made.setdefault(event.id, [])
            continue
        owner = owners.get(event.parent_id or "")
        if owner is not None:
            made[owner].append(_own(event, owner))
            if (id := getattr(event, "id", None)) is not None:
                owners[id] = owner
        elif isinstance(event, e.AgentEnd) and event.id in starts:
            made[event.id].append(e.RunEnd(status=event.status))
    return [(start, made[id]) for id, start in starts.items()]


def _own(event: e.Event, agent: str) -> e.Event:
    """Return an event inside an agent as one of that agent's own run."""
    if event.parent_id == agent:
        event = replace(event, parent_id=None)
    return without_id_prefix(event, agent)


def _prompt(call: RecordedCall) -> list[e.Event]:
    """Return the prompt of an agent inside a call; nothing if it is not known."""
    if call.ran is None or not isinstance(call.ran.args, dict):
        return []
    task = call.ran.args.get(_TASK)
    if not isinstance(task, str):
        return []
    return [e.Prompt(text=task)]
