"""Commands to a served run.

They are carried out in the process that it goes on in, wherever they are given.
"""

from typing import Any, TypeAlias

import msgspec

from nbagent.errors import AnswerError
from nbagent.events import Decision
from nbagent.run import Run


class CancelRun(msgspec.Struct, tag="cancel", kw_only=True):
    """Stops a run.

    Attributes:
        run: id of the run.
        by: says in the transcript who has stopped it.
    """

    run: str
    by: str


class AnswerRun(msgspec.Struct, tag="answer", kw_only=True):
    """Answers a question of a run; see `Run.respond`.

    Attributes:
        run: id of the run.
        id: of the question.
    """

    run: str
    id: str
    decision: Decision
    value: Any = None
    reason: str | None = None
    remember: bool = False


RunCommand: TypeAlias = CancelRun | AnswerRun


class Reply(msgspec.Struct):
    """Result of a command.

    Attributes:
        problem: why it could not be carried out; None if it was.
    """

    problem: str | None = None


def carry_out(command: RunCommand, run: Run) -> Reply:
    """Carry a command out on its run."""
    if isinstance(command, CancelRun):
        run.cancel(by=command.by)
        return Reply()
    try:
        run.respond(
            command.id,
            command.decision,
            command.value,
            reason=command.reason,
            remember=command.remember,
        )
    except AnswerError as error:
        return Reply(str(error))
    return Reply()
