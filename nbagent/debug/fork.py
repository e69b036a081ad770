"""`fork`: a new run that repeats another one up to a point without asking the model, and goes on
live from there.
"""

import reprlib
from collections.abc import Callable, Iterable
from typing import Any, Literal

from msgspec import UNSET
from msgspec.structs import replace

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.calls.results import for_model
from nbagent.agent.model import input_items
from nbagent.agent.model.recorded_run import (
    GIVEN,
    Record,
    RecordedRun,
    recorded_run,
    taken_from_record,
)
from nbagent.agent.prompt_parts import joined
from nbagent.agent.run.replayed_history import ReplayedHistory
from nbagent.debug.edited_messages import Edit, edited
from nbagent.debug.fork_label import label_of, seam
from nbagent.debug.fork_tree import ForkTree
from nbagent.debug.point import Point, point_of
from nbagent.debug.replayed import ReplayedPart, changed_args
from nbagent.debug.resumed import in_form
from nbagent.debug.variant import continued, variant
from nbagent.errors import ForkError, NbagentError, ToolError
from nbagent.events.ids import with_id_prefix
from nbagent.gate.secrets import known
from nbagent.mime import display_of
from nbagent.notebook.show import draw, draw_below
from nbagent.run import Run
from nbagent.run.tool_call import ToolCall


def fork(
    source: Any,
    at: Any = None,
    *,
    result: Any = UNSET,
    args: Any = None,
    prompt: str | Iterable[Any] | None = None,
    messages: Edit | None = None,
    instructions: str | None = None,
    model: Any = None,
    tools: Iterable[Any] | None = None,
    agent: Any = None,
    resume: Callable[[list[Any]], Any] | None = None,
    breakpoints: bool = True,
    face: Literal["widget", "console"] | None = None,
    below: bool = False,
) -> Run:
    """Repeat a run up to a point, go on live, and show that; see `run.fork`. With `below` it is
    shown below the run, whichever cell is executed.
    """
    recorded = recorded_of(source)
    # None for a recording, of which only the events are known
    first = source if isinstance(source, Run) else None
    own = first.own_agent if agent is None and first is not None else agent
    if resume is not None:
        own = Agent("resumed", name=recorded.name)
        _check_resumed(first, args=args, instructions=instructions, model=model, tools=tools)
    if not isinstance(own, Agent):
        if agent is None:
            reason = f"{recorded.name} is not a run of nbagent's agent"
        else:
            reason = f"got agent={agent!r}"
        raise ForkError(
            f"a fork goes on with an nbagent.Agent, and {reason}: give fork(…, "
            "agent=nbagent.Agent(…)), or resume= to go on in the framework"
        )
    is_call = result is not UNSET or args is not None
    place = at if first is None else _call_of(first, at, is_call)
    point = point_of(recorded, place, is_call=is_call)
    if resume is not None and point.call is not None and result is UNSET:
        raise ForkError(
            f"a framework does not call {point.call.start.name} from the middle: give its result=, "
            "or fork at a response, such as at=2"
        )
    made = Forked(recorded, point, None if first is None else first.conversation)
    other = variant(own, instructions, model, tools)
    changed = made.changed(other, result, args)
    form = first.asked_form if first is not None and agent is None else None
    given = {
        "result": result,
        "arguments": args,
        "prompt": prompt,
        "messages": messages,
        "instructions": instructions,
        "model": None if model is None else other.model,
        "tools": tools,
        "agent": None if first is None or agent is first.own_agent else agent,
    }
    label = label_of(
        point,
        {name: value for name, value in given.items() if value is not None and value is not UNSET},
        known().mask if first is None else first.masker,
        has_values=first is None or not first.hides_requests,
    )
    told = None if first is None else first.asked.prompt()
    asked, past = made.prompt(prompt, told), made.past(changed, other, label)
    if messages is not None:
        if point.call is not None:
            raise ForkError(
                "messages= changes what the model is told before a response: give its number, "
                "such as at=2"
            )
        asked, past, other.instructions = edited(messages, asked, past, other.instructions)
    options = {} if first is None else dict(first.shown_with)
    if resume is None:
        run = Run(continued(other, asked, past, made.record(), form), **options)
    else:
        assert first is not None
        run = _resumed(resume, first, asked, past, other.instructions, options)
    if first is not None and breakpoints:
        run.breakpoints.copy_from(first.breakpoints)
    tree = None if first is None else first.fork_tree
    if tree is None:
        tree = ForkTree(first, recorded.name)
    tree.add(first, run, label)
    if below and first is not None:
        draw_below(run, first)
    else:
        draw(run, face, has_handler=options.get("answer") is not None)
    run.is_printed = run.view is None  # show(run.fork()) has nothing to add
    return run


class Forked:
    """The part of a run that a fork repeats, and what is changed in it.

    Args:
        run: that is forked.
        point: where.
        exact: its exact history, or None.
    """

    def __init__(self, run: RecordedRun, point: Point, exact: Any) -> None:
        self._run = run
        self._point = point
        self._part = ReplayedPart(run, point, exact)
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
        recorded = self._part.prompt
        if given is not None:
            return [*recorded[:-1], *input_items.from_prompt(joined(given))]
        if not recorded and told is not None:
            return input_items.from_prompt(told)
        if not recorded:
            raise ForkError(
                f"{self._run.name} does not tell the user's message: give fork(…, prompt=…), or "
                "show(…, prompt=…)"
            )
        return recorded

    def changed(self, agent: Agent, result: Any, args: Any) -> list[e.Event]:
        """Take the changes of the call at the point.

        Returns the events of its result, if it is not to be called.

        Raises:
            ForkError: the tool is gone, or the arguments do not fit.
        """
        call = self._point.call
        if call is None:
            return []
        name = call.start.name
        if result is not UNSET and args is not None:
            raise ForkError(
                "result= replaces the call's result, args= calls it with others: give one of them"
            )
        if call.args is None:
            raise ForkError(
                f"the arguments of {name} are hidden in {self._run.name}, or were cut: they "
                "cannot be repeated"
            )
        if result is not UNSET:
            content, self._output = for_model(result, agent.result_chars)
            return [
                e.ToolResult(
                    id=call.start.id,
                    content=content,
                    display=display_of(result),
                    value=e.Live(result),
                    meta={GIVEN: True},
                )
            ]
        tool = {each.name: each for each in agent.tools}.get(name)
        if tool is None:
            if agent._toolsets or name in {each._handoff().tool.name for each in agent.handoffs}:
                return []
            names = ", ".join(each.name for each in agent.tools) or "none"
            raise ForkError(
                f"the tool {name!r} is gone; {agent.name} has: {names}. Give fork(…, "
                f"tools=[{name}, …]), or the call's result="
            )
        if args is not None:
            if not isinstance(args, dict):
                raise ForkError(
                    f'args= takes the arguments to change, such as args={{"year": 2024}}; got '
                    f"{reprlib.repr(args)}"
                )
            self._args = changed_args(call, args)
            try:
                tool.check(self._args.args)
            except ToolError as error:
                raise ForkError(f"the arguments do not fit {name}: {error}") from error
        elif tool.once and call.result is not None:
            taken, self._output, notice = taken_from_record(
                call, call.start, call.ran.args if call.ran else {}
            )
            return [e.Status(message=notice), taken]
        return []

    def past(
        self, changed: list[e.Event], agent: Agent, label: str | None = None
    ) -> ReplayedHistory:
        """Return the part to repeat.

        Args:
            changed: the events of the call's result.
            agent: that goes on.
            label: the point and what is other from there on; None for no line that tells it.
        """
        part, number = self._part, len(self._part.steps)
        adopted: list[e.Event] = [
            replace(event, step=number, agent=agent.name) for event in changed
        ]
        if part.steps and label is not None:  # else nothing was repeated
            adopted.append(seam(label))
        calls = part.calls(self._args)
        return ReplayedHistory(
            before=part.before,
            items=part.items_since_prompt(self._args, self._output),
            events=[*part.events(self._args), *adopted],
            steps=number,
            calls=calls[1:] if self._output is not None else calls,
            handoffs=part.handoffs,
            prefix=part.prefix,
        )

    def record(self) -> Record:
        """Return the calls after the point, for tools that must not be called twice."""
        point = self._point
        made = {id(call) for step in self._part.steps for call in step.calls.values()} - set(
            map(id, self._part.open)
        )
        if point.call is not None and self._output is not None:
            made.add(id(point.call))
        first = self._part.steps[0].number if self._part.steps else point.step.number
        return Record(
            call
            for step in self._run.steps
            if step.number >= first
            for call in step.calls.values()
            if id(call) not in made
        )


def _check_resumed(first: Run | None, **changes: Any) -> None:
    """Check that a fork can go on in its framework.

    Raises:
        ForkError: it cannot.
    """
    if first is None:
        raise ForkError("resume= goes on in a run of this process, and not from a recording")
    given = [name for name, value in changes.items() if value is not None]
    if given:
        raise ForkError(
            f"{given[0]}= is for a fork that goes on with an nbagent.Agent: with resume= give the "
            "framework's own agent other ones, or give result= or messages="
        )


def _resumed(
    resume: Callable[[list[Any]], Any],
    first: Run,
    asked: list[input_items.Item],
    past: ReplayedHistory,
    instructions: str,
    options: dict[str, Any],
) -> Run:
    """Return the run of a framework that goes on from a history.

    Raises:
        ForkError: a call is still to be made.
    """
    if past.calls:
        raise ForkError(
            f"{past.calls[0][0].name} was not called in {first.name} either, and a framework does "
            "not call it from the middle: fork at a response"
        )
    history = [*past.before, *asked, *past.items]
    if instructions:
        history.insert(0, input_items.Message(role="system", content=instructions))
    run = Run(resume(in_form(history, first.asked.framework)), **options)
    prompt = "\n\n".join(map(input_items.text_of, asked[-1:]))
    repeated = [with_id_prefix(event, past.prefix) for event in past.events]
    run.report([e.Prompt(text=prompt), *repeated])
    return run


def _call_of(run: Run, at: Any, is_call: bool) -> Any:
    """Return the call of a run that an index means, those of agents inside calls counted; anything
    else as it is.

    Raises:
        ForkError: it is a call of another run.
    """
    calls = run.tools
    if is_call and isinstance(at, int) and -len(calls) <= at < len(calls):
        return calls[at]
    if isinstance(at, ToolCall) and at not in calls:
        raise ForkError(f"{at!r} is a call of another run than {run.name}")
    return at


def recorded_of(source: Any) -> RecordedRun:
    """Return a run or a recording as responses with their calls.

    Raises:
        ForkError: it cannot be repeated.
    """
    if isinstance(source, Run) and source.lanes:
        raise ForkError("a run of several streams cannot be forked: show each by itself")
    try:
        made = recorded_run(source)
    except NbagentError as error:
        raise ForkError(str(error)) from error
    if not made.steps and not made.prompts:
        raise ForkError(
            f"there is nothing to repeat in {made.name}: it has neither a prompt nor a response "
            "of a model"
        )
    return made
