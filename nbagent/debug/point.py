"""`Point`: a place in a recorded run where another one goes on: before a response of the model, or
before a call.
"""

from dataclasses import dataclass
from typing import Any

from nbagent.agent.model.recorded_run import RecordedCall, RecordedRun, RecordedStep
from nbagent.errors import ForkError


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
    """Return the place that a number means; `place_of` finds calls.

    Args:
        run: the run.
        at: the number of a response, from 1, or the index of a call. None is the first response.
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


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}s"
