"""Answers in LangGraph's form: the value of `Command(resume=…)`, by the ids of its interrupts.

Source: https://docs.langchain.com/oss/python/langgraph/interrupts, and `HumanInTheLoopMiddleware`
of langchain 1.4.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nbagent.adapters.base.answers import Answered, AnswerForm, editable, meta_of
from nbagent.adapters.base.fields import fields_or_empty, str_field
from nbagent.adapters.langchain.review import META
from nbagent.errors import AnswerError
from nbagent.events import ApprovalRequest


class LangGraphAnswers(AnswerForm):
    """The form of LangGraph, with the decisions of LangChain's middleware where an interrupt asks
    for those.
    """

    systems: ClassVar[tuple[str, ...]] = ("langgraph", "langchain.events", "langchain.protocol")

    def offer(self, request: ApprovalRequest) -> ApprovalRequest:
        """Offer to change the arguments, where the middleware allows to."""
        allowed = _review(request).get("allowed")
        if isinstance(allowed, list) and "edit" in allowed:
            return editable(request)
        return request

    def check(self, answered: Answered) -> None:
        """Check the answer against the decisions that the middleware allows.

        Raises:
            AnswerError: it allows no such decision.
        """
        super().check(answered)
        allowed = _review(answered.request).get("allowed")
        if isinstance(allowed, list) and (made := _decision(answered)["type"]) not in allowed:
            raise AnswerError(
                f"the agent takes no {made!r} for this call, only {', '.join(map(str, allowed))}"
            )

    def value(self, answered: Sequence[Answered], last: Any) -> dict[str, Any]:
        """Return the values to resume with, by the ids of the interrupts.

        An answer without a value is True or False.
        """
        values: dict[str, Any] = {}
        for each in answered:
            review = _review(each.request)
            id = str_field(review, "interrupt") or each.request.approval_id
            match review.get("form"):
                case "decisions":
                    values.setdefault(id, {"decisions": []})["decisions"].append(_decision(each))
                case "list":
                    values.setdefault(id, []).append(_old_decision(each))
                case "decision":
                    values[id] = _decision(each)
                case _ if each.response.value is not None:
                    values[id] = each.response.value
                case _:
                    values[id] = each.is_approved
        return values

    def next_request(
        self, url: str, body: Any, answered: Sequence[Answered]
    ) -> tuple[str, Any] | None:
        """Return the request of a LangGraph server that goes on with a thread: its `input` gives
        way to a `command`.
        """
        if not isinstance(body, Mapping) or "assistant_id" not in body or "/threads/" not in url:
            return None
        return url, {**body, "input": None, "command": {"resume": self.value(answered, None)}}


def _review(request: ApprovalRequest) -> Mapping[str, Any]:
    return fields_or_empty(meta_of(request).get(META))


def _decision(answered: Answered) -> dict[str, Any]:
    """Return a decision of the middleware: approve, edit, or reject."""
    request, response = answered
    if not answered.is_approved and response.reason:
        return {"type": "reject", "message": response.reason}
    if not answered.is_approved:
        return {"type": "reject"}
    if response.value is None or response.value == request.args:
        return {"type": "approve"}
    return {
        "type": "edit",
        "edited_action": {"name": _review(request).get("action"), "args": response.value},
    }


def _old_decision(answered: Answered) -> dict[str, Any]:
    """Return a decision of the form before LangChain 1.0 (`langgraph.prebuilt.interrupt`)."""
    request, response = answered
    if not answered.is_approved:
        if response.reason:
            return {"type": "response", "args": response.reason}
        return {"type": "ignore", "args": None}
    if response.value is None or response.value == request.args:
        return {"type": "accept", "args": None}
    return {
        "type": "edit",
        "args": {"action": _review(request).get("action"), "args": response.value},
    }
