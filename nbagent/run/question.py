"""The questions of one run: those that wait, the handler that answers them, and what an answer holds."""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent.errors import AnswerError
from nbagent.events.question import Handler

if TYPE_CHECKING:
    from nbagent.run.steering import SteeredRun


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
