"""Calls that LangChain's middleware gives a person to review, in the value of an interrupt.

Format: `langchain.agents.middleware.human_in_the_loop` (langchain 1.4): all calls of a turn in one
interrupt, or (`per_call`) an interrupt for each, whose `response_schema` lists the decisions.
Before 1.0 it was `langgraph.prebuilt.interrupt`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    to_jsonable,
)

META = "review"
"""Field of a request's `meta` with the interrupt's id, and `form`, `action` and `allowed` of the
`Review`.
"""

Form = Literal["decisions", "decision", "list"]
"""The form of the answer: decisions on all calls, a decision on one, or a list of those before
LangChain 1.0.
"""


class Review(NamedTuple):
    """A call to review.

    Attributes:
        form: of the answer.
        action: name of the tool.
        args: arguments of the call, as JSON.
        prompt: description for the person, else the tool's name.
        call_id: the model's id of the call, if it is known.
        allowed: the possible decisions; None for all.
        schema: JSON Schema of changed arguments, if it is known.
    """

    form: Form
    action: str
    args: Any
    prompt: str | None
    call_id: str | None = None
    allowed: list[str] | None = None
    schema: dict[str, Any] | None = None


def reviews_in(interrupt: Any) -> list[Review]:
    """Return the calls that an interrupt is about.

    Empty for one with a value of the graph's own.
    """
    value = get_field(interrupt, "value")
    fields = fields_or_empty(value)
    actions = fields.get("action_requests")
    if isinstance(actions, list):
        return _decisions(actions, entries_in(fields, "review_configs"))
    if fields.get("type") == "tool_approval":
        return [_tool_approval(interrupt, value)]
    old = value if isinstance(value, list) else [value]
    actions = [get_field(entry, "action_request") for entry in old]
    if not all(actions):
        return []
    return [_review("list", action) for action in actions]


def _decisions(actions: list[Any], configs: Iterable[Any]) -> list[Review]:
    allowed = {
        get_str(config, "action_name"): get_field(config, "allowed_decisions") for config in configs
    }
    return [
        _review("decisions", action, allowed.get(get_str(action, "name"))) for action in actions
    ]


def _tool_approval(interrupt: Any, value: Any) -> Review:
    schema = fields_or_empty(to_jsonable(get_field(interrupt, "response_schema")))
    decisions = {
        fields_or_empty(props["type"]).get("const"): props
        for props in _properties_in(schema)
        if "type" in props
    }
    review = _review("decision", value, [str(name) for name in decisions if name])
    return review._replace(schema=_arguments_in(decisions.get("edit"), schema))


def _review(form: Form, action: Any, allowed: Any = None) -> Review:
    name = get_str(action, "name", "action", default="")
    decisions: list[str] | None = None
    if isinstance(allowed, (list, tuple)) and allowed:
        decisions = list(map(str, allowed))
    return Review(
        form=form,
        action=name,
        args=to_jsonable(get_field(action, "args")),
        prompt=get_str(action, "description") or name or None,
        call_id=get_str(action, "tool_call_id"),
        allowed=decisions,
    )


def _properties_in(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the properties of the objects that a schema is made of: its own, of its alternatives,
    and its definitions.
    """
    yield fields_or_empty(schema.get("properties"))
    parts = [
        *entries_in(schema, "oneOf"),
        *entries_in(schema, "anyOf"),
        *fields_or_empty(schema.get("$defs")).values(),
    ]
    for part in parts:
        yield from _properties_in(fields_or_empty(part))


def _arguments_in(
    edit: Mapping[str, Any] | None, schema: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the schema of the arguments in the decision `edit`."""
    definitions = fields_or_empty(schema.get("$defs"))

    def resolved(part: Any) -> Mapping[str, Any]:
        fields = fields_or_empty(part)
        if "$ref" in fields:
            return fields_or_empty(definitions.get(str(fields["$ref"]).rpartition("/")[2]))
        return fields

    action = resolved(fields_or_empty(edit).get("edited_action"))
    found = resolved(fields_or_empty(action.get("properties")).get("args"))
    if found.get("properties"):
        return {**found, "$defs": definitions}
    return None
