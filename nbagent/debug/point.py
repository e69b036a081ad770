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
    steps = [*run.steps, *([run.awaited] if run.awaited is not None else [])]
    calls = [Point(step, call) for step in run.steps for call in step.calls.values()]
    if isinstance(at, bool) or not (at is None or isinstance(at, int | str) or hasattr(at, "id")):
        raise ForkError(
            "at= takes a call, such as run.tools[0], its index or name, or the number of a step; "
            f"got {at!r}"
        )
    if at is None and not is_call:
        return Point(steps[0])
    if at is None:
        raise ForkError("result= and args= belong to a call: say which, such as at=run.tools[0]")
    if isinstance(at, int) and is_call:
        if not -len(calls) <= at < len(calls):
            raise ForkError(
                f"there is no call {at}: {run.name} has {_count(len(calls), 'call')}, from 0 "
                "(run.tools)"
            )
        return calls[at]
    if isinstance(at, int):
        if not 1 <= at <= len(steps):
            raise ForkError(
                f"there is no step {at}: {run.name} has {_count(len(run.steps), 'response')} of "
                "the model, from 1; "
                "the index of a call needs result= or args=, else give at=run.tools[0]"
            )
        return Point(steps[at - 1])
    found = [
        each
        for each in calls
        if each.call is not None and at in (each.call.start.name, each.call.start.id)
    ]
    if isinstance(at, str) and not found:
        names = dict.fromkeys(each.call.start.name for each in calls if each.call is not None)
        raise ForkError(
            f"there is no call of {at!r}{did_you_mean(at, names) or '.'} Called were: "
            f"{', '.join(names) or 'none'}"
        )
    if not isinstance(at, str):
        found = [
            each
            for each in calls
            if each.call is not None and at.id in _block_ids(each.call.start.id)
        ]
    if not found:
        raise ForkError(
            f"{at!r} is no call of {run.name} itself: an agent inside one of its calls made it"
        )
    return found[-1]


def _block_ids(id: str) -> tuple[str, str]:
    """Return the ids that the block of a call may have."""
    return short_id(id), f"tool:{short_id(id)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
