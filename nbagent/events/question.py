"""`Question`: a question of a run to its reader, which waits for an answer."""

from collections.abc import Callable
from typing import Any, TypeAlias

from nbagent.events.kinds import ApprovalRequest
from nbagent.printable import printable_line
from nbagent.protocol.parts import Decision, Stage

Handler: TypeAlias = Callable[["Question"], Any]
"""Answers a question: by a method of it, or by what it returns (see `Question.answer_as`)."""


def decisions(request: ApprovalRequest) -> tuple[Decision, ...]:
    """Return the decisions that answer a question."""
    match request.stage:
        case None:
            return ("approve", "deny", "cancel")
        case "request":
            return ("approve",)
        case "call":
            return ("approve", "deny", "step", "result", "error")
        case "result":
            return ("approve", "again", "result", "error")


class Question:
    """A question that waits.

    `run.waiting` makes it, and it is what a handler, `show(answer=…)`, is called with.

    Args:
        respond: takes the answer: `Run.respond`, or a function with its parameters.
        request: the question, as the reader may see it.
        tool: name of the tool that the question is about; None if it is about no call.
    """

    def __init__(
        self, respond: Callable[..., None], request: ApprovalRequest, tool: str | None
    ) -> None:
        self._respond = respond
        self._request = request
        self.tool = tool

    @property
    def id(self) -> str:
        """Id of the question, for `run.respond`."""
        return self._request.approval_id

    @property
    def kind(self) -> str:
        """`"tool"` for permission to call a tool, `"input"`, `"auth"` for a sign-in, or `"stop"`
        for a breakpoint.
        """
        return self._request.kind

    @property
    def stage(self) -> Stage | None:
        """Stage of a breakpoint: `"call"` before a call, `"request"` before a request to the model,
        `"result"` after a call. None for any other question.
        """
        return self._request.stage

    @property
    def prompt(self) -> str | None:
        """The question in words; None if the call itself is the question."""
        return self._request.prompt

    @property
    def args(self) -> Any:
        """The arguments that the reader is asked about, masked as they are shown."""
        return self._request.args

    @property
    def options(self) -> list[str] | None:
        """The possible answers, if there are only these."""
        return self._request.options

    @property
    def schema(self) -> dict[str, Any] | None:
        """JSON Schema of the input, or of the arguments, which may then be changed; None if there
        is none.
        """
        return self._request.schema

    @property
    def can_remember(self) -> bool:
        """True if `allow(always=True)` is possible."""
        return self._request.can_remember

    @property
    def result(self) -> Any:
        """At the result of a call: the value as the model would read it, as JSON; None if the call
        failed.
        """
        return self._request.result

    def allow(self, args: Any = None, *, always: bool = False) -> None:
        """Allow the call. At a breakpoint: go on.

        Args:
            args: changed arguments; None for those asked about.
            always: allow all further calls of the tool in this session too, without a question.

        Raises:
            AnswerError: the arguments do not fit, or the question does not wait any more.
        """
        self._respond(self.id, "approve", args, remember=always)

    def deny(self, reason: str | None = None) -> None:
        """Do not allow the call.

        Args:
            reason: for the model.

        Raises:
            AnswerError: the question does not wait any more.
        """
        self._respond(self.id, "deny", reason=reason)

    def answer(self, value: Any) -> None:
        """Give the input that was asked for: one of `options`, or a value that fits `schema`.

        Raises:
            AnswerError: the value does not fit, or the question does not wait any more.
        """
        self._respond(self.id, "approve", value)

    def step(self, args: Any = None) -> None:
        """At a breakpoint before a call: run it, and stop at its result.

        Args:
            args: changed arguments; None for those asked about.

        Raises:
            AnswerError: the arguments do not fit, or the question is another one.
        """
        self._respond(self.id, "step", args)

    def again(self, args: Any = None) -> None:
        """At the result of a call: run it once more, and stop again.

        Args:
            args: changed arguments; None for those of the last time.

        Raises:
            AnswerError: the arguments do not fit, or the question is another one.
        """
        self._respond(self.id, "again", args)

    def give_result(self, value: Any) -> None:
        """At a breakpoint: the call gets this result. Before the call, it does not run.

        Args:
            value: any object, as the tool could have returned it.

        Raises:
            AnswerError: the question is another one.
        """
        self._respond(self.id, "result", value)

    def give_error(self, message: str) -> None:
        """At a breakpoint: the call fails with this message. Before the call, it does not run.

        Raises:
            AnswerError: the question is another one.
        """
        self._respond(self.id, "error", reason=message)

    def cancel(self) -> None:
        """Close the question without an answer.

        Raises:
            AnswerError: the question does not wait any more.
        """
        self._respond(self.id, "cancel")

    def answer_as(self, returned: Any) -> None:
        """Answer by what a handler returned: True or False, changed arguments or an input, a text
        as the reason of a denial.

        At the result of a call, anything but True is the result in its place.
        None leaves the question to others: to the reader, or to an answer that the handler has
        given by a method.

        Raises:
            AnswerError: the value does not fit.
        """
        if returned is None:
            return
        if self.stage == "result" and returned is not True:
            self.give_result(returned)
        elif isinstance(returned, bool):
            self._respond(self.id, "approve" if returned else "deny")
        elif isinstance(returned, str) and self.kind in ("tool", "stop") and not self.options:
            self.deny(returned)
        else:
            self.answer(returned)

    def __repr__(self) -> str:
        about = f"{printable_line(self.tool)}({self.args!r})" if self.tool else repr(self.prompt)
        return f"<Question {self.id!r}: {about}>"
