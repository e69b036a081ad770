"""`response_format` of Chat Completions, and `text.format` of the Responses API.

Source: https://platform.openai.com/docs/guides/structured-outputs.
"""

from typing import Annotated

import msgspec

from nbagent.agent.model.structured import JsonForm
from nbagent.server.openai.parameters import Json, converted, inner
from nbagent.server.problem import Problem


class AnswerSchema(msgspec.Struct, kw_only=True):
    """A JSON Schema that the answer has to fit."""

    schema: Json
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")] = "answer"
    strict: bool | None = None


def form_of(form: Json | None, place: str, *, nested: bool) -> JsonForm | None:
    """Return the form of an answer; None for a text.

    Args:
        form: in the request.
        place: of the form in the request.
        nested: whether a schema stands under the key `json_schema`, as in Chat Completions.

    Raises:
        Problem: there is no such form, or a part of it does not fit (400).
    """
    form = form or {"type": "text"}
    match form.get("type"):
        case "text":
            return None
        case "json_object":
            return JsonForm()
        case "json_schema":
            given = converted(*inner(form, "json_schema", place, nested=nested), AnswerSchema)
            return JsonForm(name=given.name, schema=given.schema, strict=given.strict or False)
        case other:
            place = f"{place}.type"
            kinds = "text, json_object or json_schema"
            raise Problem(400, f"{place} is {kinds}, got {other!r}", param=place)
