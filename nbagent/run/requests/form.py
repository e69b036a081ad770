"""`request_form`: the form in which a reader edits the fields of a request."""

import json
from typing import Any

from nbagent.events.jsonable import text_safe
from nbagent.protocol.inspection import ForkForm
from nbagent.run.requests.request import Request

Schema = dict[str, Any]

_PARTS = ("content", "parts")
"""Names of what a message says."""


def request_form(request: Request) -> ForkForm:
    """Return the form of the fields of a request, masked: settings, messages, tools.

    Raises:
        NbagentError: they are hidden, or no longer kept.
    """
    raw = request.body_as_sent()
    fields = request.body
    texts = {
        name: text_safe(json.dumps(value, ensure_ascii=False)) for name, value in fields.items()
    }
    schemas: dict[str, Schema] = {raw.path: messages_schema(fields[raw.path])}
    if raw.instructions is not None:
        schemas = {raw.instructions[0]: _objects([fields[raw.instructions[0]]]), **schemas}
    if raw.tools is not None:
        schemas[raw.tools[0]] = _tools(fields[raw.tools[0]])
    settings = sorted(texts.keys() - schemas.keys(), key=lambda name: len(texts[name]))
    names = sorted([*settings, *schemas], key=lambda name: name != "model")
    return ForkForm(
        text=f"{{{','.join(f'{json.dumps(name)}:{texts[name]}' for name in names)}}}",
        schema={
            "type": "object",
            "properties": {name: schemas.get(name, {}) for name in names},
            "additionalProperties": True,
        },
    )


def messages_schema(messages: Any) -> Schema:
    """Return a schema in which each member of a message has a field of its own."""
    schema = _objects([messages])
    if not schema:
        return {}
    item = schema["items"]
    item["default"] = {"role": "user", "content": ""}
    for name in _PARTS:
        parts = _objects([each.get(name) for each in messages])
        if parts:
            item["properties"][name] = parts
            item["default"] = {"role": "user", name: [parts["items"]["default"]]}
    return schema


def _objects(lists: list[Any]) -> Schema:
    """Return a schema of lists of objects; one that says nothing if they are something else."""
    if not all(isinstance(each, list) for each in lists):
        return {}
    objects = [item for each in lists for item in each]
    if not objects or not all(isinstance(each, dict) for each in objects):
        return {}
    new = next(({**each, "text": ""} for each in objects if "text" in each), {})
    return {"type": "array", "items": {"type": "object", "properties": {}, "default": new}}


def _tools(tools: Any) -> Schema:
    """Return a schema of tools, each of them as JSON."""
    if not isinstance(tools, list):
        return {}
    return {"type": "array", "items": {"type": "object"}}
