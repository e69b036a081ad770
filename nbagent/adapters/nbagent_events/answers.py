"""Answers to a service that sends nbagent's own events: the event `approval.response`."""

from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm
from nbagent.events.codec import to_dict


class EventAnswers(AnswerForm):
    """The form of nbagent's events, and of items that a function of the user's turns into such."""

    systems: ClassVar[tuple[str, ...]] = ("nbagent", "function")
    has_messages: ClassVar[bool] = True

    def message(self, answered: Answered) -> Any:
        """Return the event as a dict."""
        return to_dict(answered.response)
