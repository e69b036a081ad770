"""`fork_form`: the form in which a reader says what is other in a fork."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from nbagent.events.jsonable import json_safe
from nbagent.protocol.inspection import ForkForm
from nbagent.run.requests import messages_schema

Schema = dict[str, Any]

MAX_VALUES_CHARS = 200_000
"""Length of the values of a form, as JSON: a view reads at most 256 KB."""

_RESULT = "In place of the call's own: JSON, or a text."
_TOO_LONG = "It is too long to be shown here. What is typed stands in its place."


def fork_form(
    texts: Mapping[str, str],
    args: Any = None,
    args_schema: Schema | None = None,
    messages: list[dict[str, Any]] | None = None,
    *,
    given: Collection[str] = (),
) -> ForkForm:
    """Return the form for a fork.

    Args:
        texts: what each text begins with: `result`, `instructions`, `model`, `prompt`; those that
            cannot be changed are absent.
        args: arguments of the call; None for a place that is no call, or if they are hidden.
        args_schema: JSON Schema of the arguments; None if it is not known.
        messages: all that the model was told; None if they cannot be changed.
        given: names of the texts that every fork has.

    What is more than a view reads is left out: arguments, messages, or what a text begins with.
    """
    room = MAX_VALUES_CHARS
    properties: Schema = {}
    definitions: Schema = {}
    values: dict[str, Any] = {}
    args_chars = _chars(args)
    if args is not None and args_chars <= room:
        room -= args_chars
        schema = dict(args_schema or {"type": "object"})
        definitions = schema.pop("$defs", {})  # references name them from the root
        properties["arguments"] = schema
        values["arguments"] = json_safe(args)
    for name, text in texts.items():
        properties[name] = {"type": "string"}
        if name == "result":
            properties[name]["description"] = _RESULT
        text_chars = _chars(text)
        if text_chars > room:
            properties[name]["description"] = _TOO_LONG
            continue
        room -= text_chars
        properties[name]["default"] = text
        if name in given:
            values[name] = text
    if messages is not None and _chars(messages) <= room:
        properties["messages"] = {**messages_schema(messages), "default": messages}
    return ForkForm(
        text=msgspec.json.encode(values).decode(),
        schema={
            "type": "object",
            "properties": properties,
            "required": list(values),
            "additionalProperties": False,
            "$defs": definitions,
        },
    )


def _chars(value: Any) -> int:
    """Return the length of a value in a form: as JSON, which the form may hold as a text."""
    return len(msgspec.json.encode(msgspec.json.encode(json_safe(value)).decode()))
