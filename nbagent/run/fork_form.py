"""`fork_form`: the form in which a reader says what is other in a fork."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from nbagent.events.jsonable import json_safe
from nbagent.protocol.inspection import ForkForm
from nbagent.run.requests import messages_schema

Schema = dict[str, Any]

MAX_MESSAGES_CHARS = 100_000
"""Length of messages, as JSON, up to which they are in a form: a view reads at most 256 KB."""

_RESULT = "In place of the call's own: JSON, or a text."


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
        messages: all that the model was told; None if they cannot be changed. Those that are more
            than a view reads are left out.
        given: names of the texts that every fork has.
    """
    properties: Schema = {}
    definitions: Schema = {}
    values: dict[str, Any] = {}
    if args is not None:
        schema = dict(args_schema or {"type": "object"})
        definitions = schema.pop("$defs", {})  # references name them from the root
        properties["arguments"] = schema
        values["arguments"] = json_safe(args)
    for name, text in texts.items():
        properties[name] = {"type": "string", "default": text}
        if name in given:
            values[name] = text
    if messages is not None and len(msgspec.json.encode(messages)) < MAX_MESSAGES_CHARS:
        properties["messages"] = {**messages_schema(messages), "default": messages}
    if "result" in properties:
        properties["result"]["description"] = _RESULT
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
