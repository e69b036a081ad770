"""Answers to a service that sends nbagent's own events: the event `approval.response`, or a request
to `nbagent.serve`.
"""

import re
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm
from nbagent.events.codec import to_dict

_SERVED_RUN = re.compile(r"(/runs/run-[\w-]+)/events(?=$|\?)")


class EventAnswers(AnswerForm):
    """The form of nbagent's events, and of items that a function of the user's turns into such."""

    systems: ClassVar[tuple[str, ...]] = ("nbagent", "function")
    has_messages: ClassVar[bool] = True
    has_posts: ClassVar[bool] = True

    def message(self, answered: Answered) -> Any:
        """Return the event as a dict."""
        return to_dict(answered.response)

    def can_post(self, url: str) -> bool:
        """Return True for a run of `nbagent.serve`."""
        return _SERVED_RUN.search(url) is not None

    def post(self, url: str, answered: Answered) -> tuple[str, Any]:
        """Return the request that answers a question of a served run."""
        response = answered.response
        body = {
            "id": response.approval_id,
            "decision": response.decision,
            "value": response.value,
            "reason": response.reason,
        }
        return _SERVED_RUN.sub(r"\1/answers", url), {**body, "remember": response.remember}

    def stop_request(self, url: str) -> tuple[str, Any] | None:
        """Return the request that stops a served run, which goes on without readers."""
        if self.can_post(url):
            return (_SERVED_RUN.sub(r"\1/cancel", url), {})
        return None
