"""JSON Schemas of tools: reduced to one type each, and whether a value fits.

Supported of JSON Schema (https://json-schema.org/draft/2020-12): types, enums, minimum, maximum,
references, unions.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbagent.demo.conversation import Json

_MAX_DEPTH = 16
_RESOLVED = ("$ref", "allOf", "anyOf", "oneOf")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TYPES: Json = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def resolve(schema: Any, root: Any, depth: int = 0) -> Json:
    """Return a schema of one type: references resolved; of alternatives the first that is not null
    (with `nullable` set).

    Args:
        schema: anything; what is no schema takes any value.
        root: the whole schema, which references are relative to.
        depth: of the references and unions so far.
    """
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return {}
    plain = {name: value for name, value in schema.items() if name not in _RESOLVED}
    for part in _parts(schema, root):
        plain = {**resolve(part, root, depth + 1), **plain}
    choices = [resolve(part, root, depth + 1) for part in _alternatives(schema)]
    if choices:
        real = [choice for choice in choices if choice.get("type") != "null"]
        is_nullable = 0 < len(real) < len(choices)
        plain = {"nullable": is_nullable, **plain, **(real or choices)[0]}
    if "properties" in plain:
        return {"type": "object", **plain}
    return plain


def _parts(schema: Mapping[str, Any], root: Any) -> Iterator[Any]:
    """Yield the schemas that all hold besides a schema's own keys."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        yield _target(reference, root)
    yield from schema.get("allOf") or ()


def _target(reference: str, root: Any) -> Any:
    target = root
    for step in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(target, Mapping):
            return None
        target = target.get(step)
    return target


def _alternatives(schema: Mapping[str, Any]) -> list[Any]:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return [{"type": kind} for kind in kinds]
    return schema.get("anyOf") or schema.get("oneOf") or []


def properties_of(schema: Any) -> Json:
    """Return the resolved schemas of a tool's parameters, by name."""
    properties = resolve(schema, schema).get("properties") or {}
    return {name: resolve(inner, schema) for name, inner in properties.items()}


def fits(value: Any, schema: Json) -> bool:
    """Return True if a value is of a resolved schema's type, range and values."""
    kind = schema.get("type")
    if value is None or kind == "null":
        return False
    if isinstance(value, bool) != (kind == "boolean"):
        return False
    if not isinstance(value, _TYPES.get(str(kind), object)):
        return False
    if value != schema.get("const", value) or value not in schema.get("enum", [value]):
        return False
    if isinstance(value, str):
        return schema.get("format") != "date" or _DATE.fullmatch(value) is not None
    return not isinstance(value, (int, float)) or _is_in_range(value, schema)


def _is_in_range(value: float, schema: Json) -> bool:
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
