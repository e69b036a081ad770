"""`Outcome`: how one row of a map ended, in the few values that a table shows and a store keeps."""

from typing import Any

import msgspec

from nbagent import events as e
from nbagent.blocks.end import end_label
from nbagent.events.jsonable import json_safe
from nbagent.gate.secrets import mask
from nbagent.render.durations import worked
from nbagent.run import Run

FINAL = frozenset({"completed", "incomplete", "max_steps"})
"""Statuses of a row that is not run again: it has an answer, which was paid for."""

ERROR_CHARS = 2000
"""Characters of an error's message that a row keeps."""


class Outcome(msgspec.Struct, omit_defaults=True, kw_only=True):
    """End of a row: its answer, or what kept it from one.

    Attributes:
        status: of its run: `completed`, `incomplete`, `max_steps`, `paused`, `failed` or
            `cancelled`.
        answer: the text after the last tool call.
        fields: the answer as JSON where a form was asked for (`output=Invoice`); None else.
        error: why there is no whole answer, in one line; None if there is one.
        error_type: class of the error, or its code; None without one.
        seconds: that the run took, without those for which it waited for the reader.
        first_token: seconds until its first token; None if none came.
        steps: responses of the model, as far as the stream tells them apart.
        tools: calls of tools.
        tools_failed: calls that failed.
        tool_names: names of the tools that were called, each once.
        input: tokens of the prompts.
        output: tokens of the answers.
        cost: US dollars; None if the prices are unknown.
        attempts: how often the row was run.
        scores: values of the checks, by name.
        scored_with: fingerprints of the checks, by name.
    """

    status: str
    answer: str = ""
    fields: Any = None
    error: str | None = None
    error_type: str | None = None
    seconds: float | None = None
    first_token: float | None = None
    steps: int = 0
    tools: int = 0
    tools_failed: int = 0
    tool_names: list[str] = []
    input: int | None = None
    output: int | None = None
    cost: float | None = None
    attempts: int = 1
    scores: dict[str, Any] = msgspec.field(default_factory=dict)
    scored_with: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def tokens(self) -> int | None:
        """Tokens of the prompts and the answers; None if neither is known."""
        if self.input is None and self.output is None:
            return None
        return (self.input or 0) + (self.output or 0)

    @property
    def is_final(self) -> bool:
        """True if the row is not run again."""
        return self.status in FINAL


def outcome_of(run: Run, attempts: int) -> Outcome:
    """Return how a run that has ended did.

    Args:
        run: the row's.
        attempts: how often the row was run, this run among them.
    """
    props: dict[str, Any] = run.snapshot()[0]
    usage, calls = run.usage, list(run.tools)
    error = run.error
    reason = None if run.status == "completed" else end_label(props)
    output = run.output
    steps = sum(isinstance(event, e.StepStart) for event in run.events)
    return Outcome(
        status=run.status,
        answer=str.__str__(run.answer),  # msgspec takes no subclasses of str
        fields=None if output is None or isinstance(output, str) else json_safe(output),
        error=reason if error is None else str(error)[:ERROR_CHARS],
        error_type=None if error is None else getattr(error, "code", None) or type(error).__name__,
        seconds=worked(props),
        first_token=props.get("first_token"),
        steps=steps,
        tools=len(calls),
        tools_failed=sum(call.state == "output-error" for call in calls),
        tool_names=list(dict.fromkeys(call.name for call in calls)),
        input=usage.input,
        output=usage.output,
        cost=usage.cost,
        attempts=attempts,
    )


def failure(error: BaseException, attempts: int) -> Outcome:
    """Return the outcome of a row whose run could not begin."""
    return Outcome(
        status="failed",
        error=mask(f"{type(error).__name__}: {error}")[:ERROR_CHARS],
        error_type=type(error).__name__,
        attempts=attempts,
    )
