"""Answers in ACP's form: responses to the requests of the agent, over the same connection.

Source: https://agentclientprotocol.com/protocol/tool-calls#requesting-permission, and
`agent-client-protocol` 0.12.
"""

from typing import Any, ClassVar

from msgspec.structs import replace

from nbagent.adapters.base.answers import Answered, AnswerForm, meta_of
from nbagent.adapters.base.fields import entries_in
from nbagent.adapters.base.json_rpc import elicitation_result, response_to
from nbagent.errors import AnswerError
from nbagent.events import ApprovalRequest


class AcpAnswers(AnswerForm):
    """The form of ACP: one of the options that the agent gave, or the values of an elicitation."""

    systems: ClassVar[tuple[str, ...]] = ("acp",)
    has_messages: ClassVar[bool] = True

    def offer(self, request: ApprovalRequest) -> ApprovalRequest:
        """Offer to allow a tool for good, if that is an option."""
        return replace(request, can_remember="allow_always" in _kinds(request).values())

    def check(self, answered: Answered) -> None:
        """Check that the agent gave an option for the answer.

        Raises:
            AnswerError: it gave none.
        """
        super().check(answered)
        if answered.request.kind == "tool":
            _outcome(answered)

    def message(self, answered: Answered) -> dict[str, Any]:
        """Return the JSON-RPC response; its result alone if the request came without its id."""
        is_choice = answered.request.kind == "tool"
        return response_to(
            answered.request,
            {"outcome": _outcome(answered)} if is_choice else elicitation_result(answered),
        )


def _kinds(request: ApprovalRequest) -> dict[str, str]:
    """Return the kinds of the options, by their ids."""
    options = entries_in(meta_of(request), "options")
    return {str(option.get("optionId")): str(option.get("kind")) for option in options}


def _outcome(answered: Answered) -> dict[str, Any]:
    """Return the outcome: the option whose name was chosen, else the one that means the
    decision.
    """
    request, response = answered
    if response.decision == "cancel":
        return {"outcome": "cancelled"}
    chosen = _named_option(request, response.value)
    if chosen is None:
        verb = "allow" if answered.is_approved else "reject"
        kinds = [f"{verb}_once", f"{verb}_always"]
        if response.remember:
            kinds.reverse()
        chosen = _option_of(request, kinds)
    if chosen is not None:
        return {"outcome": "selected", "optionId": chosen}
    if answered.is_approved:
        raise AnswerError("the agent gave no option that allows this")
    return {"outcome": "cancelled"}


def _named_option(request: ApprovalRequest, value: Any) -> str | None:
    """Return the id of the option with that name or id; None if there is none."""
    if value is None:
        return None
    for option in entries_in(meta_of(request), "options"):
        if value in (option.get("name"), option.get("optionId")):
            return str(option.get("optionId"))
    return None


def _option_of(request: ApprovalRequest, kinds: list[str]) -> str | None:
    """Return the id of the first option of these kinds, the first kind first."""
    by_kind = {kind: option_id for option_id, kind in reversed(_kinds(request).items())}
    return next((by_kind[kind] for kind in kinds if kind in by_kind), None)
