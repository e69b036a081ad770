"""`Question`: a question of a run to its reader, which waits for an answer."""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from nbagent import events as e
from nbagent.errors import AnswerError

if TYPE_CHECKING:
    from nbagent.run.steering import SteeredRun

Handler: TypeAlias = Callable[["Question"], Any]
"""Answers a question: by a method of it, or by what it returns (see `Question.answer_as`)."""


class Question:
    """A question that waits. `run.waiting` makes it, and it is what a handler, `show(answer=…)`, is called with.

    Args:
        run: that waits.
        request: the question, as the reader may see it.
        tool: name of the tool that the question is about; None if it is about no call.
    """

    def __init__(self, run: "SteeredRun", request: e.ApprovalRequest, tool: str | None) -> None:
        self._run = run
        self._request = request
        self.tool = tool

    @property
    def id(self) -> str:
        """Id of the question, for `run.respond`."""
        return self._request.approval_id

    @property
    def kind(self) -> str:
        """`"tool"` for permission to call a tool, `"input"`, or `"auth"` for a sign-in."""
        return self._request.kind

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
        """JSON Schema of the input, or of the arguments, which may then be changed; None if there is none."""
        return self._request.schema

    @property
    def can_remember(self) -> bool:
        """True if `allow(always=True)` is possible."""
        return self._request.can_remember

    def allow(self, args: Any = None, *, always: bool = False) -> None:
        """Allow the call.

        Args:
            args: changed arguments; None for those asked about.
            always: allow all further calls of the tool in this session too, without a question.

        Raises:
            AnswerError: the arguments do not fit, or the question does not wait any more.
        """
        self._run.respond(self.id, "approve", args, remember=always)

    def deny(self, reason: str | None = None) -> None:
        """Do not allow the call.

        Args:
            reason: for the model.

        Raises:
            AnswerError: the question does not wait any more.
        """
        self._run.respond(self.id, "deny", reason=reason)

    def answer(self, value: Any) -> None:
        """Give the input that was asked for: one of `options`, or a value that fits `schema`.

        Raises:
            AnswerError: the value does not fit, or the question does not wait any more.
        """
        self._run.respond(self.id, "approve", value)

    def cancel(self) -> None:
        """Close the question without an answer.

        Raises:
            AnswerError: the question does not wait any more.
        """
        self._run.respond(self.id, "cancel")

    def answer_as(self, returned: Any) -> None:
        """Answer by what a handler returned: True or False, changed arguments or an input, a text as the reason of a denial.

        None leaves the question to others: to the reader, or to an answer that the handler has given by a method.

        Raises:
            AnswerError: the value does not fit.
        """
        if returned is None:
            return
        if isinstance(returned, bool):
            self._run.respond(self.id, "approve" if returned else "deny")
        elif isinstance(returned, str) and self.kind == "tool" and not self.options:
            self.deny(returned)
        else:
            self.answer(returned)

    def __repr__(self) -> str:
        about = f"{self.tool}({self.args!r})" if self.tool else repr(self.prompt)
        return f"<Question {self.id!r}: {about}>"


def answering(run: "SteeredRun", handler: Handler) -> Callable[[e.ApprovalRequest], Any]:
    """Return a function that answers a run's questions, for `run.on`: an `async def` if the handler is one.

    Raises:
        TypeError: the handler is not a function.
    """
    if not callable(handler):
        raise TypeError(f"answer= must be a function that is called with each question; got {type(handler).__name__}")
    if inspect.iscoroutinefunction(handler):

        async def ask_later(request: e.ApprovalRequest) -> None:
            if request.reply is not None:
                question = run.question(request)
                question.answer_as(await handler(question))

        return ask_later

    def ask(request: e.ApprovalRequest) -> None:
        if request.reply is not None:
            question = run.question(request)
            question.answer_as(handler(question))

    return ask


class OpenQuestions:
    """The questions of a run that can be answered, by id."""

    def __init__(self) -> None:
        self._requests: dict[str, e.ApprovalRequest] = {}

    def __bool__(self) -> bool:
        return bool(self._requests)

    def __iter__(self) -> Any:
        return iter(list(self._requests.values()))

    def feed(self, event: e.Event) -> None:
        """Take an event: a question waits until its answer, or until the run's end."""
        match event:
            case e.ApprovalRequest(reply=e.Live()):
                self._requests[event.approval_id] = event
            case e.ApprovalResponse():
                self._requests.pop(event.approval_id, None)
            case e.RunEnd():
                self._requests.clear()

    def get(self, id: str) -> e.ApprovalRequest:
        """Return the question of that id, also by its block's.

        Raises:
            AnswerError: no question of that id waits; the message has those that do.
        """
        found = self._requests.get(id) or self._requests.get(id.removeprefix("approval:"))
        if found is None:
            waiting = ", ".join(map(repr, self._requests)) or "none"
            raise AnswerError(f"no question {id!r} waits for an answer (waiting: {waiting})")
        return found


def unmasked(value: Any, shown: Any, original: Any) -> Any:
    """Return an answer's value with the fields that the reader left alone as they were before they were masked.

    Args:
        value: the answer's.
        shown: the arguments as the reader saw them.
        original: the arguments as they are.
    """
    if value == shown:
        return original
    if isinstance(value, Mapping) and isinstance(shown, Mapping) and isinstance(original, Mapping):
        return {
            name: unmasked(each, shown[name], original[name]) if name in shown and name in original else each
            for name, each in value.items()
        }
    if isinstance(value, list) and isinstance(shown, list) and isinstance(original, list) and len(shown) == len(original):
        pairs = zip(value, [*shown, *value[len(shown) :]], [*original, *value[len(original) :]], strict=False)
        return [unmasked(*each) for each in pairs]
    return value
