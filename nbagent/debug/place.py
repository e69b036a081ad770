"""`Place`: where a fork goes on, in a run or in that of an agent inside one of its calls."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbagent.agent import Agent
from nbagent.agent.model.recorded_run import RecordedCall, RecordedRun, RecordedStep
from nbagent.agent.run.nested_run import NestedRun
from nbagent.agent.subagent import AgentTool
from nbagent.debug.point import Point, point_of
from nbagent.debug.replayed import ReplayedPart
from nbagent.debug.variant import at_work
from nbagent.errors import ForkError, did_you_mean
from nbagent.run.requests import Request


@dataclass(frozen=True, slots=True)
class Place:
    """A point, and the run that has it.

    Attributes:
        run: the run.
        point: where in it.
    """

    run: NestedRun
    point: Point

    @property
    def outer(self) -> "Place | None":
        """The call that the run is inside of; None if it is inside of none."""
        run = self.run
        if run.outer is None or run.step is None:
            return None
        return Place(run.outer, Point(run.step, run.call))

    @property
    def handoffs(self) -> list[str]:
        """Names of the tools by which agents of the run have handed over before the point."""
        return ReplayedPart(self.run.recorded, self.point).handoffs

    def agent(self, outermost: Agent) -> Agent:
        """Return the agent that is at work at the point.

        Args:
            outermost: the agent of the outermost run.

        Raises:
            ForkError: it, or one around it, is not among the tools of the agent around that, or has
                not taken over.
        """
        return at_work(self.first(outermost), self.handoffs)

    def first(self, outermost: Agent) -> Agent:
        """Return the agent that began the run; arguments and errors as for `agent`."""
        around = self.outer
        if around is None:
            return outermost
        inner = around.tool(outermost).agent
        assert isinstance(inner, Agent)
        return inner

    def tool(self, outermost: Agent) -> AgentTool:
        """Return the tool of the call at the point, which is an agent; arguments and errors as for
        `agent`.
        """
        assert self.point.call is not None
        name = self.point.call.start.name
        agent = self.agent(outermost)
        for tool in agent.tools:
            if tool.name == name and isinstance(tool, AgentTool):
                return tool
        raise ForkError(
            f"the run inside of {name} cannot go on by itself: {name} is not an agent among the "
            f"tools of {agent.name}. Fork that call"
        )


def place_of(run: RecordedRun, at: Any, *, is_call: bool) -> Place:
    """Return the place that a user means.

    Args:
        run: the outermost run.
        at: as for `point_of`, or a request of `run.requests`, which is the response that it asked
            for. A call may be one of an agent inside a call.
        is_call: as for `point_of`.

    Raises:
        ForkError: there is no such place.
    """
    outermost = NestedRun(run)
    if isinstance(at, Request):
        return _of_request(outermost, at)
    if isinstance(at, str) or hasattr(at, "id"):
        return _of_call(outermost, at)
    return Place(outermost, point_of(run, at, is_call=is_call))


def _of_call(outermost: NestedRun, at: Any) -> Place:
    """Return the latest call that a user means by its name, its id or an object that shows it. A
    call of the outermost run comes before those inside of it.

    Raises:
        ForkError: there is none.
    """
    names: dict[str, None] = {}
    for nested, step, call in _calls(outermost):
        names[call.start.name] = None
        if at in (call.start.name, call.start.id) or _shows(at, nested, call):
            return Place(nested, Point(step, call))
    if not isinstance(at, str):
        raise ForkError(f"{at!r} is no call of {outermost.recorded.name}")
    raise ForkError(
        f"there is no call of {at!r}{did_you_mean(at, names) or '.'} Called were: "
        f"{', '.join(names) or 'none'}"
    )


def _calls(run: NestedRun) -> Iterator[tuple[NestedRun, RecordedStep, RecordedCall]]:
    """Yield the calls of a run, the latest first, and then those inside of it."""
    for nested in run.walk():
        for step in reversed(nested.recorded.steps):
            for call in reversed(step.calls.values()):
                yield nested, step, call


def _shows(at: Any, run: NestedRun, call: RecordedCall) -> bool:
    """Return True if an object of `run.tools` shows a call."""
    return not isinstance(at, str) and at.id in run.block_ids(call)


def _of_request(outermost: NestedRun, request: Request) -> Place:
    """Return the response that a request asked for.

    Raises:
        ForkError: an agent sent it whose run is not shown.
    """
    nested = next((each for each in outermost.walk() if each.id == request.inside), None)
    if nested is not None and request.inside is not None and request.step is not None:
        return Place(nested, point_of(nested.recorded, request.step, is_call=False))
    if nested is not None:
        recorded = nested.recorded
        later = [step for step in recorded.steps if _begin(recorded, step) >= request.started]
        if not later:
            return Place(nested, point_of(recorded, len(recorded.steps) + 1, is_call=False))
        if recorded.events[later[0].begin].agent in (None, request.agent):
            return Place(nested, Point(later[0]))
    raise ForkError(
        f"request {request.number} was sent by {request.agent or 'code'} inside a call of "
        f"{outermost.recorded.name}: fork that call"
    )


def _begin(run: RecordedRun, step: RecordedStep) -> float:
    """Return when a response began, in seconds since the epoch; 0 if that is not known."""
    return run.events[step.begin].ts or 0.0
