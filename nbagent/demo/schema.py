"""The part of JSON Schema that tools use: follow references, list alternatives, check a value.

Spec: https://json-schema.org/draft/2020-12
"""

import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def alternatives(schema: Any, root: Schema, depth: int = 0) -> list[Schema]:
    """What `schema` may mean, as plain schemas of one type each: `$ref`, `allOf`, `anyOf`, `oneOf` and type lists resolved.

    An alternative without a `type` allows any.
    """
    if not isinstance(schema, Mapping) or depth > 16:
        return [{}]
    if isinstance(reference := schema.get("$ref"), str):
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return alternatives({**_follow(reference, root), **rest}, root, depth + 1)
    if parts := schema.get("allOf"):
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for part in parts:
            for more in alternatives(part, root, depth + 1)[:1]:
                merged = _merge(merged, more)
        return alternatives(merged, root, depth + 1)
    for word in ("anyOf", "oneOf"):
        if parts := schema.get(word):
            outer = {name: value for name, value in schema.items() if name != word}
            return [choice for part in parts for choice in alternatives(_merge(outer, part), root, depth + 1)]
    kind = schema.get("type")
    if isinstance(kind, list):
        return [{**schema, "type": one} for one in kind]
    if kind is None and "properties" in schema:
        return [{**schema, "type": "object"}]
    return [schema]


def _follow(reference: str, root: Schema) -> Schema:
    node: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def _merge(one: Schema, two: Any) -> dict[str, Any]:
    both = {**one, **(two if isinstance(two, Mapping) else {})}
    if "properties" in one and "properties" in both:
        both["properties"] = {**one["properties"], **both["properties"]}
    if "required" in one and "required" in both:
        both["required"] = list(dict.fromkeys([*one["required"], *both["required"]]))
    return both


def accepts(schema: Any, value: Any, root: Schema) -> bool:
    """Whether `value` keeps `schema`, as far as tools use it."""
    return any(_keeps(choice, value, root) for choice in alternatives(schema, root))


def _keeps(schema: Schema, value: Any, root: Schema) -> bool:
    kind = schema.get("type")
    if kind is not None and not _is(value, kind):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    match value:
        case str():
            return _keeps_text(schema, value)
        case bool() | None:
            return True
        case int() | float():
            return _keeps_number(schema, value)
        case list():
            return _keeps_list(schema, value, root)
        case dict():
            return _keeps_object(schema, value, root)
    return False


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, ()))


def _keeps_text(schema: Schema, value: str) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf):
        return False
    if (pattern := schema.get("pattern")) and not _matches(pattern, value):
        return False
    check = _FORMATS.get(schema.get("format", ""))
    return check is None or check(value)


def _matches(pattern: str, value: str) -> bool:
    """Whether `value` has `pattern` in it; a pattern that Python cannot read (they are ECMAScript's) is taken as kept."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


def _is_date(value: str) -> bool:
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_datetime(value: str) -> bool:
    try:
        datetime.datetime.fromisoformat(value)
    except ValueError:
        return False
    return "T" in value


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_datetime,
    "time": lambda value: re.fullmatch(r"\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?", value) is not None,
    "email": lambda value: re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None,
    "uri": lambda value: re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", value, re.IGNORECASE) is not None,
    "uuid": lambda value: re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value, re.IGNORECASE) is not None,
    "ipv4": lambda value: re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", value) is not None,
}


def _keeps_number(schema: Schema, value: float) -> bool:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    if not (low <= value <= high and above < value < below):
        return False
    step = schema.get("multipleOf")
    return not step or math.isclose(value / step, round(value / step), abs_tol=1e-9)


def _keeps_list(schema: Schema, value: Sequence[Any], root: Schema) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        return False
    if schema.get("uniqueItems") and any(item in value[:index] for index, item in enumerate(value)):
        return False
    first = schema.get("prefixItems") or []
    rest = schema.get("items", {})
    return all(accepts(first[i] if i < len(first) else rest, item, root) for i, item in enumerate(value))


def _keeps_object(schema: Schema, value: Mapping[str, Any], root: Schema) -> bool:
    known = schema.get("properties") or {}
    if any(name not in value for name in schema.get("required") or ()):
        return False
    others = schema.get("additionalProperties", True)
    return all(
        accepts(known[name], item, root) if name in known else others is not False and accepts(others, item, root)
        for name, item in value.items()
    )
