"""`Forked`: the part of a run that a fork repeats, with the call at its end changed."""

import reprlib
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.calls.results import for_model
from nbagent.agent.model import input_items
from nbagent.agent.model.recorded_run import (
    Record,
    RecordedCall,
    RecordedRun,
    taken_from_record,
)
from nbagent.agent.prompt_parts import joined
from nbagent.agent.run.nested_run import NestedRun, records_inside
from nbagent.agent.run.replayed_history import ReplayedHistory
from nbagent.agent.tools.tool import Tool
from nbagent.debug.changes import Changes
from nbagent.debug.fork_label import seam
from nbagent.debug.point import Point
from nbagent.debug.replayed import ReplayedPart, changed_args
from nbagent.errors import ForkError, ToolError
from nbagent.events.meta import GIVEN
from nbagent.mime import display_of


class Forked:
    """The part of a run that a fork repeats, and what is changed in it.

    Args:
        run: that is forked.
        point: where.
        exact: its exact history, or None.
        keeps_handoffs: see `ReplayedPart`.
    """

    def __init__(
        self, run: RecordedRun, point: Point, exact: Any, *, keeps_handoffs: bool = False
    ) -> None:
        self._run = run
        self._point = point
        self._part = ReplayedPart(run, point, exact, keeps_handoffs=keeps_handoffs)
        self._args: e.ToolArgs | None = None
        self._output: str | None = None

    def prompt(self, given: str | Iterable[Any] | None, told: Any = None) -> list[input_items.Item]:
        """Return the prompt, with `given` in place of the user's message.

        Args:
            given: None for the recorded one.
            told: what a framework was asked, where no prompt is recorded; None if that is not
                known.

        Raises:
            ForkError: there is none.
        """
        asked = self._part.prompt
        if not asked and told is not None:
            asked = input_items.from_prompt(told)
        if given is not None:
            return [*asked[:-1], *input_items.from_prompt(joined(given))]
        if not asked:
            raise ForkError(
                f"{self._run.name} does not tell the user's message: give fork(…, prompt=…), or "
                "show(…, prompt=…)"
            )
        return asked

    def changed(self, agent: Agent, changes: Changes) -> list[e.Event]:
        """Take the changes of the call at the point.

        Returns the events of its result, if it is not to be called.

        Raises:
            ForkError: the tool is gone, or the arguments do not fit.
        """
        call = self._point.call
        if call is None:
            return []
        name = call.start.name
        if changes.has_result and changes.args is not None:
            raise ForkError(
                "result= replaces the call's result, args= calls it with others: give one of them"
            )
        if call.args is None:
            raise ForkError(
                f"the arguments of {name} are hidden in {self._run.name}, or were cut: they "
                "cannot be repeated"
            )
        if changes.has_result:
            return [self._given_result(call, changes.result, agent.result_chars)]
        tool = _tool_of(agent, name)
        if tool is None:
            return []
        if changes.args is not None:
            self._args = _fitting_args(call, changes.args, tool)
            return []
        if tool.once and call.result is not None:
            return self._recorded_result(call)
        return []

    def _given_result(self, call: RecordedCall, result: Any, max_chars: int) -> e.Event:
        """Return the event of a result that is given in place of the recorded one."""
        content, self._output = for_model(result, max_chars)
        return e.ToolResult(
            id=call.start.id,
            content=content,
            display=display_of(result),
            value=e.Live(result),
            meta={GIVEN: True},
        )

    def _recorded_result(self, call: RecordedCall) -> list[e.Event]:
        """Return the events of the recorded result, of a tool that must not be called twice."""
        args = {}
        if call.ran is not None:
            args = call.ran.args
        taken, self._output, notice = taken_from_record(call, call.start, args)
        return [e.Status(message=notice), taken]

    def past(
        self, changed: list[e.Event], agent: Agent, label: str | None = None
    ) -> ReplayedHistory:
        """Return the part to repeat.

        Args:
            changed: the events of the call's result.
            agent: that goes on.
            label: the point and what is other from there on; None for no line that tells it.
        """
        part = self._part
        number = len(part.steps)
        adopted: list[e.Event] = [
            replace(event, step=number, agent=agent.name) for event in changed
        ]
        if part.steps and label is not None:  # else nothing was repeated
            adopted.append(seam(label))
        calls = part.calls(self._args)
        if self._output is not None:
            calls = calls[1:]
        return ReplayedHistory(
            before=part.before,
            items=part.items_since_prompt(self._args, self._output),
            events=[*part.events(self._args), *adopted],
            steps=number,
            calls=calls,
            handoffs=part.handoffs,
            prefix=part.prefix,
        )

    def record(self, inside: Record | None = None) -> Record:
        """Return the calls after the point, for tools that must not be called twice.

        Args:
            inside: those of the agent that goes on inside the call at the point, which gets those
                of agents inside later calls of the same tool; None if none goes on there.
        """
        repeated = self._part.steps
        first = self._point.step.number
        made = set()
        if repeated:
            first = repeated[0].number
            made = {id(call) for step in repeated for call in step.calls.values()}
        made -= {id(call) for call in self._part.open}
        if self._output is not None:
            made.add(id(self._point.call))
        steps = [step for step in self._run.steps if step.number >= first]
        later = [call for step in steps for call in step.calls.values() if id(call) not in made]
        around = {id(call) for call in later}
        if inside is not None:
            around.discard(id(self._point.call))
        runs = (run for run in NestedRun(self._run).inner() if id(run.call) in around)
        record = Record(later, records_inside(runs))
        if inside is not None and self._point.call is not None:
            record.put_inside(self._point.call.start.name, inside)
        return record


def _tool_of(agent: Agent, name: str) -> Tool[Any, Any] | None:
    """Return the tool that a call names; None if a server or a handover to another agent has it.

    Raises:
        ForkError: it is gone.
    """
    for tool in agent.tools:
        if tool.name == name:
            return tool
    handovers = {each._handoff().tool.name for each in agent.handoffs}
    if agent._toolsets or name in handovers:
        return None
    names = ", ".join(each.name for each in agent.tools) or "none"
    raise ForkError(
        f"the tool {name!r} is gone; {agent.name} has: {names}. Give fork(…, "
        f"tools=[{name}, …]), or the call's result="
    )


def _fitting_args(call: RecordedCall, changed: Any, tool: Tool[Any, Any]) -> e.ToolArgs:
    """Return the arguments of a call with some of them changed.

    Raises:
        ForkError: they do not fit its tool.
    """
    if not isinstance(changed, dict):
        raise ForkError(
            f'args= takes the arguments to change, such as args={{"year": 2024}}; got '
            f"{reprlib.repr(changed)}"
        )
    args = changed_args(call, changed)
    try:
        tool.check(args.args)
    except ToolError as error:
        raise ForkError(f"the arguments do not fit {tool.name}: {error}") from error
    return args
