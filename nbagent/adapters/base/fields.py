"""Reading upstream items, whatever they are: dicts from the wire, or the objects of an SDK."""

import base64
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from nbagent.events.jsonable import INT64, JsonConverter, JsonPolicy, text_safe
from nbagent.gate import secrets

_MESSAGE_LIMIT = 4000


def fields(item: Any) -> Mapping[str, Any]:
    """The item's own fields, one level deep, as a mapping.

    Of a pydantic model: what was set, with the fields that its class does not declare (`model_extra`). Unlike `model_dump` this
    copies references only, so that it costs the same for a small item and a big one, and never complains about a value that
    does not fit the declared type.

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
    return own | extra if extra else own


def fields_or_none(item: Any) -> Mapping[str, Any]:
    """The same, but an item without fields (None, a number, a text) has simply none."""
    return item if isinstance(item, Mapping) else fields(item) if hasattr(item, "__dict__") else {}


def plain(value: Any) -> Any:
    """Return the value as JSON types, all the way down; what has no fields, or lies too deep, is named by its type.

    So is what lies inside itself, and what is no data: functions, classes, modules, and the private parts of objects. An SDK's
    event may lead to its agent, and the agent to its client, to the client's key and to half of the process.

    An integer beyond 64 bits becomes text, which is what every JSON reader keeps whole; infinity and NaN, which JSON
    has not, are None.
    """
    return JsonConverter(_UPSTREAM).convert(value)


def _type_name(value: Any) -> str:
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def _public_fields(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if not hasattr(value, "__dict__") or callable(value) or isinstance(value, ModuleType):
        return _type_name(value)
    return {name: entry for name, entry in fields(value).items() if not name.startswith("_")}


_UPSTREAM = JsonPolicy(max_depth=200, max_objects=10_000, integers=INT64, expand=_public_fields, placeholder=_type_name)


def string(value: Any) -> str | None:
    """The value if it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def label(value: Any) -> str | None:
    """The same for what is no piece of a longer text (a name, an id, an address): fit for every encoder as it stands."""
    value = getattr(value, "value", value)  # an enum's member
    return text_safe(value) if isinstance(value, str) and value else None


def base64_text(value: Any) -> str | None:
    """Binary data as base64, which SDKs have decoded and the wire has not."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else string(value)


def safe_message(text: str) -> str:
    """An error's text with whatever looks like a key or a bearer token masked, and cut where a service sent a whole page."""
    masked = secrets.mask(text_safe(text))
    return masked if len(masked) <= _MESSAGE_LIMIT else masked[:_MESSAGE_LIMIT] + "…"


def look(item: Any, name: str) -> Any:
    """One field of an item, or None. Of an object also what its class gives by default: `fields` has only what was set."""
    if isinstance(item, Mapping):
        return item.get(name)
    try:
        return getattr(item, name, None)
    except Exception:  # a property may do anything when it is looked at
        return None


def is_count(value: Any) -> bool:
    """Whether the value is a number of tokens: whole, and one that an encoder takes."""
    return type(value) is int and 0 <= value < 2**63


def count(value: Any) -> int | None:
    """The value if it is a number of tokens."""
    return value if is_count(value) else None


def class_of(item: Any) -> str:
    """The name of an item's class; an item that was dumped may carry it in `__class__`."""
    if isinstance(item, Mapping):
        return str(item.get("__class__") or "")
    return type(item).__name__
