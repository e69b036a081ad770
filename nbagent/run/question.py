"""The questions of one run: those that wait, the handler that answers them, and what an answer
holds.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbagent import events as e
from nbagent.errors import AnswerError
from nbagent.events.question import Handler

MASK_CHAR = "•"
"""Character that stands for each masked one."""

if TYPE_CHECKING:
    from nbagent.run.steering import SteeredRun


def answering(run: "SteeredRun", handler: Handler) -> Callable[[e.ApprovalRequest], Any]:
    """Return a function that answers a run's questions, for `run.on`: an `async def` if the handler
    is one.

    Raises:
        TypeError: the handler is not a function.
    """
    if not callable(handler):
        raise TypeError(
            "answer= must be a function that is called with each question; got "
            f"{type(handler).__name__}"
        )
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
        if type(event) is e.ApprovalRequest and event.reply is not None:
            self._requests[event.approval_id] = event
        elif type(event) is e.ApprovalResponse:
            self._requests.pop(event.approval_id, None)
        elif type(event) is e.RunEnd:
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
    """Return an answer's value with the masked parts that the reader left alone as they were
    before.

    Args:
        value: the answer's.
        shown: the arguments as the reader saw them.
        original: the arguments as they are.

    Raises:
        AnswerError: a masked part was changed, or it cannot be told which one a part of the value
            is.
    """
    made = _restored(value, shown, original)
    if shown != original and _holds_mask(made) and not _holds_mask(original):
        raise AnswerError(
            f"the value holds a part of a masked text ({MASK_CHAR * 3}): leave that text as it "
            "is, or write it anew"
        )
    return made


def _restored(value: Any, shown: Any, original: Any) -> Any:
    if value == shown:
        return original
    match value, shown, original:
        case Mapping(), Mapping(), Mapping():
            made = dict(value)
            for name in value.keys() & shown.keys() & original.keys():
                made[name] = _restored(value[name], shown[name], original[name])
            return made
        case list(), list(), list() if len(shown) == len(original):
            return [_restored_item(value, at, shown, original) for at in range(len(value))]
    return value


def _restored_item(value: list[Any], at: int, shown: list[Any], original: list[Any]) -> Any:
    """Return an item of a list, which may have been moved: others may be gone, or new."""
    if len(value) == len(shown):
        return _restored(value[at], shown[at], original[at])
    same = [original[index] for index, each in enumerate(shown) if each == value[at]]
    if any(each != same[0] for each in same):
        raise AnswerError(
            "items of the list look the same where they are masked: keep the list as long as it was"
        )
    if not same:
        return value[at]
    return same[0]


def _holds_mask(value: Any) -> bool:
    match value:
        case str():
            return MASK_CHAR in value
        case Mapping():
            return any(map(_holds_mask, value.values()))
        case list():
            return any(map(_holds_mask, value))
    return False
