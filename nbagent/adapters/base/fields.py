"""Reading upstream items, whatever they are: dicts from the wire, or the objects of an SDK."""

import base64
import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from nbagent.events.jsonable import text_safe
from nbagent.gate import secrets

_MESSAGE_LIMIT = 4000
_DEPTH_LIMIT = 200
_OBJECT_LIMIT = 10_000


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


def fields_or_empty(item: Any) -> Mapping[str, Any]:
    """The same, but an item without fields (None, a number, a text) has simply none."""
    return item if isinstance(item, Mapping) else fields(item) if hasattr(item, "__dict__") else {}


class _Walk:
    """A value on its way to JSON: what lies around the part that is being read, and how many objects there may still be."""

    __slots__ = ("around", "left")

    def __init__(self) -> None:
        self.around: set[int] = set()
        self.left = _OBJECT_LIMIT


def to_jsonable(value: Any) -> Any:
    """The value as JSON types, all the way down; what has no fields, or lies too deep, is named by its type.

    So is what lies inside itself, and what is no data: functions, classes, modules, and the private parts of objects. An SDK's
    event may lead to its agent, and the agent to its client, to the client's key and to half of the process.

    An integer beyond 64 bits becomes text, which is what every JSON reader keeps whole; infinity and NaN, which JSON
    has not, are None.
    """
    return _plain(value, _Walk())


def _plain(value: Any, walk: _Walk) -> Any:
    if isinstance(value, str):
        return text_safe(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**64 else str(value)
    if len(walk.around) < _DEPTH_LIMIT and id(value) not in walk.around:
        walk.around.add(id(value))
        try:
            if isinstance(value, list | tuple):
                return [_plain(entry, walk) for entry in value]
            if isinstance(value, Mapping):
                return {text_safe(str(name)): _plain(entry, walk) for name, entry in value.items()}
            if walk.left and hasattr(value, "__dict__") and not (callable(value) or isinstance(value, ModuleType)):
                walk.left -= 1
                public = {name: entry for name, entry in fields(value).items() if not name.startswith("_")}
                return {text_safe(name): _plain(entry, walk) for name, entry in public.items()}
        finally:
            walk.around.discard(id(value))
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


def nonempty_str(value: Any) -> str | None:
    """The value if it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def str_field(fields: Mapping[str, Any], name: str) -> str | None:
    """Return the field of that name if it is a string that is not empty, else None."""
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def clean_str(value: Any) -> str | None:
    """The same for what is no piece of a longer text (a name, an id, an address): fit for every encoder as it stands."""
    value = getattr(value, "value", value)  # an enum's member
    return text_safe(value) if isinstance(value, str) and value else None


def base64_text(value: Any) -> str | None:
    """Binary data as base64, which SDKs have decoded and the wire has not."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else nonempty_str(value)


def safe_message(text: str) -> str:
    """An error's text with whatever looks like a key or a bearer token masked, and cut where a service sent a whole page."""
    masked = secrets.mask(text_safe(text))
    return masked if len(masked) <= _MESSAGE_LIMIT else masked[:_MESSAGE_LIMIT] + "…"


def get_field(item: Any, name: str) -> Any:
    """One field of an item, or None. Of an object also what its class gives by default: `fields` has only what was set."""
    if isinstance(item, Mapping):
        return item.get(name)
    try:
        return getattr(item, name, None)
    except Exception:  # a property may do anything when it is looked at
        return None


def is_token_count(value: Any) -> bool:
    """Whether the value is a number of tokens: whole, and one that an encoder takes."""
    return type(value) is int and 0 <= value < 2**63


def token_count(value: Any) -> int | None:
    """The value if it is a number of tokens."""
    return value if is_token_count(value) else None


def class_name(item: Any) -> str:
    """The name of an item's class; an item that was dumped may carry it in `__class__`."""
    if isinstance(item, Mapping):
        return str(item.get("__class__") or "")
    return type(item).__name__
