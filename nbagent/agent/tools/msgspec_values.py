"""Values that models write and msgspec refuses: times in ISO 8601 that are not RFC 3339, choices in
another case.

msgspec reads dataclasses' relatives that pydantic does not: its own Structs, and `typing.TypedDict`
before Python 3.12.
"""

import contextlib
import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import inspect

_PLACE = re.compile(r"^(?P<problem>.*?)(?: - at `\$?(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<field>[^.\[]+)|\[(?P<item>[^\]]*)\]")

_TIMES: dict[str, Callable[[datetime.datetime], str]] = {
    "Invalid RFC3339 encoded datetime": datetime.datetime.isoformat,
    "Invalid RFC3339 encoded date": lambda time: time.date().isoformat(),
}


def amend(value: Any, annotation: Any, error: msgspec.ValidationError) -> tuple[Any, str]:
    """Return the value with what the error names written as msgspec reads it, and the error's
    message with the choices.

    The value is returned as it is if nothing can be told.

    Args:
        value: JSON that was refused.
        annotation: the type that it was to have.
        error: msgspec's own.
    """
    match = _PLACE.match(str(error))
    assert match is not None, "the pattern matches any text"
    problem = match["problem"]
    path = [step["field"] or "" for step in _STEP.finditer(match["path"] or "")]
    if problem in _TIMES:
        return _at(value, path, lambda text: _time(text, _TIMES[problem])), str(error)
    if not problem.startswith("Invalid enum value"):
        return value, str(error)
    choices = _choices(inspect.type_info(annotation), path)
    told = f"{error}; it must be one of {', '.join(map(repr, choices))}"
    return _at(value, path, lambda text: _choice(text, choices)), told


def _at(value: Any, path: Sequence[str], change: Callable[[str], str]) -> Any:
    """Return a copy of JSON with the texts at a path changed.

    An empty step stands for every item of a list or dict.
    """
    if not path:
        if isinstance(value, str):
            return change(value)
        return value
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_at(item, rest, change) for item in value]
    if not isinstance(value, dict):
        return value
    changed = dict(value)
    for key in value if step == "" else value.keys() & {step}:
        changed[key] = _at(value[key], rest, change)
    return changed


def _time(text: str, written: Callable[[datetime.datetime], str]) -> str:
    with contextlib.suppress(ValueError):
        return written(datetime.datetime.fromisoformat(text))
    return text


def _choice(text: str, choices: Sequence[Any]) -> str:
    texts = [choice for choice in choices if isinstance(choice, str)]
    alike = [choice for choice in texts if choice.casefold() == text.casefold()]
    if len(alike) == 1:
        return alike[0]
    return text


def _choices(kind: inspect.Type, path: Sequence[str]) -> list[Any]:
    """Return the values of the enums and literals at a path of a type; of a literal in the order
    that msgspec keeps.
    """
    match kind:
        case inspect.UnionType(types=kinds):
            return [choice for each in kinds for choice in _choices(each, path)]
        case inspect.Metadata(type=inner):
            return _choices(inner, path)
    if not path:
        return _values_of(kind)
    inside = _inside(kind, path[0])
    if inside is None:
        return []
    return _choices(inside, path[1:])


def _values_of(kind: inspect.Type) -> list[Any]:
    """Return the values of an enum or a literal; none of any other type."""
    match kind:
        case inspect.EnumType(cls=cls):
            return [member.value for member in cls]
        case inspect.LiteralType(values=values):
            return list(values)
    return []


def _inside(kind: inspect.Type, step: str) -> inspect.Type | None:
    """Return the type of a member of a container, or of the field of that name; None if there is
    none.
    """
    match kind:
        case (
            inspect.ListType(item_type=item)
            | inspect.SetType(item_type=item)
            | inspect.VarTupleType(item_type=item)
        ):
            return item
        case inspect.DictType(value_type=item):
            return item
    fields = {field.encode_name: field.type for field in getattr(kind, "fields", ())}
    return fields.get(step)
