"""`Point`: a place in a recorded run where another one goes on: before a response of the model, or
before a call.
"""

from dataclasses import dataclass
from typing import Any

from nbagent.agent.model.recorded_run import RecordedCall, RecordedRun, RecordedStep
from nbagent.errors import ForkError, did_you_mean
from nbagent.transcript.block import short_id


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a run.

    Attributes:
        step: the response before which it is, or whose call it is.
        call: the call before which it is; None for a response.
    """

    step: RecordedStep
    call: RecordedCall | None = None


def point_of(run: RecordedRun, at: Any, *, is_call: bool) -> Point:
    """Return the place that a user means.

    Args:
        run: the run.
        at: the number of a response, from 1; a call of `run.tools`, its index, or the name of its
            tool, which is the latest call of that. None is the first response.
        is_call: whether a number is the index of a call.

    Raises:
        ForkError: there is no such place.
    """
    if at is None:
        if not is_call:
            return Point(_steps(run)[0])
        raise ForkError("result= and args= belong to a call: say which, such as at=run.tools[0]")
    if isinstance(at, int) and not isinstance(at, bool):
        return _call_at(run, at) if is_call else _step_at(run, at)
    if isinstance(at, str):
        return _call_named(run, at)
    if not isinstance(at, bool) and hasattr(at, "id"):
        return _call_like(run, at)
    raise ForkError(
        "at= takes a call, such as run.tools[0], its index or name, or the number of a step; "
        f"got {at!r}"
    )


def _steps(run: RecordedRun) -> list[RecordedStep]:
    """Return the responses of a run, with the one that it waits for."""
    if run.awaited is None:
        return list(run.steps)
    return [*run.steps, run.awaited]


def _calls(run: RecordedRun) -> list[tuple[RecordedStep, RecordedCall]]:
    return [(step, call) for step in run.steps for call in step.calls.values()]


def _step_at(run: RecordedRun, number: int) -> Point:
    steps = _steps(run)
    if not 1 <= number <= len(steps):
        raise ForkError(
            f"there is no step {number}: {run.name} has {_count(len(run.steps), 'response')} of "
            "the model, from 1; "
            "the index of a call needs result= or args=, else give at=run.tools[0]"
        )
    return Point(steps[number - 1])


def _call_at(run: RecordedRun, index: int) -> Point:
    calls = _calls(run)
    if not -len(calls) <= index < len(calls):
        raise ForkError(
            f"there is no call {index}: {run.name} has {_count(len(calls), 'call')}, from 0 "
            "(run.tools)"
        )
    return Point(*calls[index])


def _call_named(run: RecordedRun, name: str) -> Point:
    """Return the latest call of a tool, or the one with that id."""
    calls = _calls(run)
    for step, call in reversed(calls):
        if name in (call.start.name, call.start.id):
            return Point(step, call)
    names = dict.fromkeys(call.start.name for _, call in calls)
    raise ForkError(
        f"there is no call of {name!r}{did_you_mean(name, names) or '.'} Called were: "
        f"{', '.join(names) or 'none'}"
    )


def _call_like(run: RecordedRun, shown: Any) -> Point:
    """Return the call that one of `run.tools` shows."""
    for step, call in reversed(_calls(run)):
        if shown.id in _block_ids(call.start.id):
            return Point(step, call)
    raise ForkError(
        f"{shown!r} is no call of {run.name} itself: an agent inside one of its calls made it"
    )


def _block_ids(id: str) -> tuple[str, str]:
    """Return the ids that the block of a call may have."""
    return short_id(id), f"tool:{short_id(id)}"


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}s"
