"""Fields of upstream items, which are dicts from the wire or an SDK's objects."""

import base64
import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, TypeGuard, overload

from nbagent.events.jsonable import INT64, JsonConverter, JsonPolicy, text_safe
from nbagent.gate import secrets

_MAX_MESSAGE_CHARS = 4000


def fields(item: Any) -> Mapping[str, Any]:
    """Return the item's own fields, one level deep, as a mapping.

    A pydantic model gives the fields that were set, and those that its class does not declare
    (`model_extra`). Unlike `model_dump`, this copies references only: the cost does not depend on
    the size of the item, and a value that does not fit the declared type raises nothing.

    Raises:
        TypeError: the item has no fields.
    """
    if isinstance(item, Mapping):
        return item
    values: dict[str, Any] = vars(item)
    was_set = getattr(item, "__pydantic_fields_set__", None)
    if was_set is None:
        return values
    extra: dict[str, Any] | None = item.__pydantic_extra__
    own = {name: value for name, value in values.items() if name in was_set}
    if extra:
        return own | extra
    return own


def fields_or_empty(item: Any) -> Mapping[str, Any]:
    """Return the item's own fields like `fields`; empty for an item without fields (None, a number,
    a string).
    """
    if isinstance(item, Mapping):
        return item
    if hasattr(item, "__dict__"):
        return fields(item)
    return {}


def to_jsonable(value: Any) -> Any:
    """Return the value as JSON types, recursively.

    Objects become their public fields. Functions, classes, modules, values without fields, values
    inside themselves and values deeper than 200 levels become the name of their type in angle
    brackets. An integer beyond 64 bits becomes a string; infinity and NaN become None.
    """
    return JsonConverter(_UPSTREAM).convert(value)


def _type_name(value: Any) -> str:
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def _public_fields(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if not hasattr(value, "__dict__") or callable(value) or isinstance(value, ModuleType):
        return _type_name(value)
    return {name: entry for name, entry in fields(value).items() if not name.startswith("_")}


# The limit is for an SDK's event that refers to its agent, that to its client, and so on to half of
# the process.
_UPSTREAM = JsonPolicy(
    max_depth=200, max_objects=10_000, integers=INT64, expand=_public_fields, placeholder=_type_name
)


def str_or_none(value: Any) -> str | None:
    """Return the value if it is a string, else None."""
    if isinstance(value, str):
        return value
    return None


def list_or_empty(value: Any) -> Sequence[Any]:
    """Return the value if it is a list or a tuple, else an empty tuple."""
    if isinstance(value, (list, tuple)):
        return value
    return ()


def listed(value: Any) -> Sequence[Any]:
    """Return several things as they are, and one as a list of it."""
    if isinstance(value, (list, tuple)):
        return value
    return [value]


def mapping_or_empty(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a mapping, else an empty dict."""
    if isinstance(value, Mapping):
        return value
    return {}


def number_or_none(value: Any) -> float | None:
    """Return the value as a float if it is a number, else None."""
    if isinstance(value, (int, float)):
        return float(value)
    return None


def schema_or_none(value: Any) -> Any:
    """Return a JSON schema as JSON types; None if it is no object."""
    if isinstance(value, Mapping):
        return to_jsonable(value)
    return None


@overload
def nonempty_str(value: Any) -> str | None: ...
@overload
def nonempty_str(value: Any, *, default: str) -> str: ...
@overload
def nonempty_str(value: Any, *, default: str | None) -> str | None: ...
def nonempty_str(value: Any, *, default: Any = None) -> Any:
    """Return the value if it is a string that is not empty, else the default."""
    if isinstance(value, str) and value:
        return value
    return default


@overload
def str_field(mapping: Mapping[str, Any], name: str, *others: str) -> str | None: ...
@overload
def str_field(mapping: Mapping[str, Any], name: str, *others: str, default: str) -> str: ...
@overload
def str_field(
    mapping: Mapping[str, Any], name: str, *others: str, default: str | None
) -> str | None: ...
def str_field(mapping: Mapping[str, Any], name: str, *others: str, default: Any = None) -> Any:
    """Return the first of these fields that is a string that is not empty, else the default."""
    value = mapping.get(name)
    if isinstance(value, str) and value:
        return value
    for other in others:
        value = mapping.get(other)
        if isinstance(value, str) and value:
            return value
    return default


@overload
def clean_str(value: Any) -> str | None: ...
@overload
def clean_str(value: Any, *, default: str) -> str: ...
@overload
def clean_str(value: Any, *, default: str | None) -> str | None: ...
def clean_str(value: Any, *, default: Any = None) -> Any:
    """Return a name, an id or a URL without lone surrogates; the default if it is no string or
    empty.

    Not for a piece of a longer text: its lone surrogate may be half of a pair.
    """
    value = getattr(value, "value", value)  # an SDK's enum member
    if isinstance(value, str) and value:
        return text_safe(value)
    return default


def extra_fields(**values: Any) -> dict[str, Any] | None:
    """Return the values that are neither None nor empty, as the extra fields of an event; None if
    there are none.
    """
    return {name: to_jsonable(value) for name, value in values.items() if value} or None


def base64_text(value: Any) -> str | None:
    """Return binary data as base64.

    SDKs have decoded it to bytes; on the wire it is base64 already.
    """
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return nonempty_str(value)


def safe_message(text: str) -> str:
    """Return an error's text with anything like a key or a bearer token masked, cut to 4,000
    characters.
    """
    masked = secrets.mask(text_safe(text))
    if len(masked) <= _MAX_MESSAGE_CHARS:
        return masked
    return masked[:_MAX_MESSAGE_CHARS] + "…"


def parse_args(text: str) -> tuple[Any, bool]:
    """Return the arguments parsed and True, or None and False if they are not JSON.

    Blank text means `{}`.
    """
    if not text.strip():
        return {}, True
    try:
        return to_jsonable(json.loads(text)), True
    except (ValueError, RecursionError):
        return None, False


def first_field(mapping: Mapping[str, Any], *names: str) -> Any:
    """Return the first of these fields that is not None; None if there is none."""
    for name in names:
        value = mapping.get(name)
        if value is not None:
            return value
    return None


def get_field(item: Any, name: str) -> Any:
    """Return one field of a mapping or an object, or None.

    Unlike `fields`, this includes the defaults of an object's class.
    """
    if isinstance(item, Mapping):
        return item.get(name)
    try:
        return getattr(item, name, None)
    except Exception:  # a property may raise anything
        return None


def entries_in(item: Any, name: str) -> Sequence[Any]:
    """Return the entries of a list in a field of a mapping or an object; none if it has no such
    field, or an empty one.
    """
    entries: Sequence[Any] | None = get_field(item, name)
    return entries or ()


def index_in(mapping: Mapping[str, Any], name: str) -> Any:
    """Return the index in a field; 0 where the first one is left out."""
    return mapping.get(name) or 0


@overload
def get_str(item: Any, name: str, *others: str) -> str | None: ...
@overload
def get_str(item: Any, name: str, *others: str, default: str) -> str: ...
@overload
def get_str(item: Any, name: str, *others: str, default: str | None) -> str | None: ...
def get_str(item: Any, name: str, *others: str, default: Any = None) -> Any:
    """Return the first of these fields of a mapping or an object that is a string that is not
    empty, else the default.
    """
    value = get_field(item, name)
    if isinstance(value, str) and value:
        return value
    for other in others:
        value = get_field(item, other)
        if isinstance(value, str) and value:
            return value
    return default


def error_text(error: Any) -> str | None:
    """Return the text of an error, which is a text or has a `message`; None if it has none."""
    return nonempty_str(error) or get_str(error, "message")


def is_token_count(value: Any) -> TypeGuard[int]:
    """Return True if the value is an int (no bool) from 0 to 2^63 - 1."""
    return type(value) is int and 0 <= value < 2**63


def token_count(value: Any) -> int | None:
    """Return the value if it is a number of tokens, else None."""
    if is_token_count(value):
        return value
    return None


def sum_or_none(left: int | None, right: int | None) -> int | None:
    """Return the sum of two counts; None if one of them is not known."""
    if left is None or right is None:
        return None
    return left + right


def is_of_package(item: Any, package: str) -> bool:
    """Return True if the item's class is defined in a package, or below it. Some classes of
    protobuf have no module.
    """
    return (type(item).__module__ or "").startswith(package)


def class_name(item: Any) -> str:
    """Return the name of an item's class. A dumped item may have it in `__class__`."""
    if isinstance(item, Mapping):
        return str(item.get("__class__") or "")
    return type(item).__name__
