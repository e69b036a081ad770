"""`fork`: a new run that repeats another one up to a point without asking the model, and goes on
live from there.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal

from msgspec import UNSET

from nbagent import events as e
from nbagent.agent import Agent
from nbagent.agent.model import input_items
from nbagent.agent.run.replayed_history import ReplayedHistory
from nbagent.debug.changes import Changes
from nbagent.debug.continued import Continued
from nbagent.debug.edited_messages import Edit, edited, told_of
from nbagent.debug.fork_label import label_of
from nbagent.debug.forked import Forked
from nbagent.debug.origin import Origin, origin_of
from nbagent.debug.place import Place
from nbagent.debug.point import Point
from nbagent.debug.resumed import in_form
from nbagent.debug.variant import begun_by, variant
from nbagent.errors import ForkError
from nbagent.events.ids import with_id_prefix
from nbagent.notebook.show import draw, draw_below
from nbagent.run import Run


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
    origin = origin_of(source)
    if agent is None and origin.agent is None and resume is None:
        resume = origin.options.get("on_fork")
    changes = Changes(
        result=result,
        args=args,
        prompt=prompt,
        messages=messages,
        instructions=instructions,
        model=model,
        tools=tools,
        agent=agent,
        resume=resume,
    )
    own = changes.next_agent(origin)
    place = origin.place(at, is_call=changes.are_of_call)
    changes.check_at(place.point)
    at_work = own
    if resume is None:
        at_work = place.agent(own)
    other = variant(at_work, instructions, model, tools)
    made = _forked(origin, place, of_framework=resume is not None)
    replaced = made.changed(other, changes)
    label = label_of(
        place, changes.named(origin, other.model), origin.mask, has_values=origin.has_values
    )
    asked = made.prompt(prompt, origin.told)
    past = made.past(replaced, other, label)
    if messages is not None:
        asked, past, other.instructions = edited(messages, asked, past, other.instructions)
    if resume is not None:
        run = _resumed(resume, origin, asked, past, other.instructions)
    else:
        form = None
        if agent is None:  # another agent has its own
            form = origin.form
        first = begun_by(place.first(own), past.handoffs, other)
        going_on = Continued(first, asked, past, made.record())
        stream = _outermost(going_on, origin, place, own).stream(form)
        run = Run(stream, **origin.options)
    if origin.run is not None and breakpoints:
        run.breakpoints.copy_from(origin.run.breakpoints)
    origin.add_fork(run, label)
    if below and origin.run is not None:
        draw_below(run, origin.run)
    else:
        draw(run, face, has_handler=origin.options.get("answer") is not None)
    run.is_printed = run.view is None  # show(run.fork()) has nothing to add
    return run


def told_at(run: Run, at: Any) -> list[dict[str, Any]]:
    """Return all that the model of an `nbagent.Agent` is told at a place; see `run.fork`.

    Raises:
        ForkError: there is no such place.
    """
    origin = origin_of(run)
    place = origin.place(at, is_call=False)
    agent = place.agent(origin.agent)
    made = _forked(origin, place)
    return told_of(made.prompt(None, origin.told), made.past([], agent), agent.instructions)


def _forked(origin: Origin, place: Place, *, of_framework: bool = False) -> Forked:
    """Return the part that is repeated of the run that a place is in."""
    exact = place.run.exact(origin.conversation)
    return Forked(place.run.recorded, place.point, exact, keeps_handoffs=of_framework)


def _outermost(inner: Continued, origin: Origin, place: Place, own: Agent) -> Continued:
    """Return the run of `own`, which repeats its part up to the call that an agent goes on inside
    of, and makes that call.
    """
    around = place.outer
    if around is None:
        return inner
    agent = variant(around.agent(own), None, None, None)
    tool = around.tool(own)
    agent._tools[tool.name] = tool.begun_by(inner.start_inside)
    made = _forked(origin, around)
    past = replace(made.past(made.changed(agent, Changes()), agent), begun=_begun(around.point))
    first = begun_by(around.first(own), past.handoffs, agent)
    going_on = Continued(first, made.prompt(None, origin.told), past, made.record(inner.record))
    return _outermost(going_on, origin, around, own)


def _begun(point: Point) -> dict[str, dict[str, Any] | None]:
    """Return the call at a point as one that had begun; see `ReplayedHistory`."""
    call = point.call
    assert call is not None
    changed = None
    if call.ran is not None and call.args is not None and call.ran.args != call.args.args:
        changed = call.ran.args
    return {call.start.id: changed}


def _resumed(
    resume: Callable[[list[Any]], Any],
    origin: Origin,
    asked: list[input_items.Item],
    past: ReplayedHistory,
    instructions: str,
) -> Run:
    """Return the run of a framework that goes on from a history.

    Raises:
        ForkError: a call is still to be made.
    """
    if past.calls:
        raise ForkError(
            f"{past.calls[0][0].name} was not called in {origin.name} either, and a framework does "
            "not call it from the middle: fork at a response"
        )
    history = [*past.before, *asked, *past.items]
    if instructions:
        history.insert(0, input_items.Message(role="system", content=instructions))
    run = Run(resume(in_form(history, origin.framework)), **origin.options)
    prompt = "\n\n".join(map(input_items.text_of, asked[-1:]))
    repeated = [with_id_prefix(event, past.prefix) for event in past.events]
    run.report([e.Prompt(text=prompt), *repeated])
    return run
