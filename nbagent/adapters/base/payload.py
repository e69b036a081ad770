"""An item as its protocol writes it: SDK objects brought back to the JSON names of the wire, envelopes taken off."""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from nbagent.adapters.base.fields import fields_or_empty, str_field

_FRAME = {"event", "data", "id", "retry"}
_LARGEST = 2**63
_VALUES = {"google.protobuf.Value", "google.protobuf.Struct", "google.protobuf.ListValue"}


class Frame(NamedTuple):
    """A server-sent event that was given whole: its name, if it had one, and its payload."""

    name: str | None
    data: Any


def frame_of(item: Any) -> Frame:
    """The payload of `{"event": name, "data": payload}`; any other item is a payload itself."""
    if isinstance(item, Mapping) and "data" in item and isinstance(item.get("event"), str) and set(item) <= _FRAME:
        return Frame(item["event"], item["data"])
    return Frame(None, item)


def to_wire_dict(item: Any) -> Mapping[str, Any]:
    """The item's fields under the names of the wire; an item without fields has none.

    Pydantic models are dumped by alias (`toolCallId`, where Python says `tool_call_id`); of protobuf messages the fields that
    were set are taken, under their JSON names.
    """
    if isinstance(item, Mapping):
        return item
    if hasattr(item, "__pydantic_fields_set__"):
        dumped: dict[str, Any] = item.model_dump(mode="json", by_alias=True, exclude_none=True, warnings=False)
        return dumped
    if hasattr(item, "DESCRIPTOR") and hasattr(item, "ListFields"):
        read = _protobuf(item)
        return read if isinstance(read, Mapping) else {}
    return fields_or_empty(item)


def try_wire_dict(item: Any) -> Mapping[str, Any]:
    """The same for a first look at an item that may be anybody's: an object that cannot be read has no fields."""
    try:
        return to_wire_dict(frame_of(item).data)
    except Exception:  # somebody else's object may do anything when it is dumped
        return {}


def _protobuf(message: Any) -> Any:
    """A protobuf message as JSON types, by its own descriptor."""
    name = message.DESCRIPTOR.full_name
    if name in _VALUES:
        return _value(message)
    if name == "google.protobuf.Timestamp":
        return str(message.ToJsonString())
    return {field.json_name: _field(field, value) for field, value in message.ListFields()}


def _field(field: Any, value: Any) -> Any:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        inner = entry.fields_by_name["value"]
        return {str(key): _single(inner, value[key]) for key in value}
    if isinstance(value, str | bytes | int | float | bool) or hasattr(value, "DESCRIPTOR"):
        return _single(field, value)
    return [_single(field, one) for one in value]


def _single(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return _protobuf(value) if hasattr(value, "DESCRIPTOR") else value


def _value(message: Any) -> Any:
    """What a `Value`, `Struct` or `ListValue` stands for."""
    match message.DESCRIPTOR.name:
        case "Struct":
            return {key: _value(message.fields[key]) for key in message.fields}
        case "ListValue":
            return [_value(one) for one in message.values]
    kind = message.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    inner = getattr(message, kind)
    return _value(inner) if kind in ("struct_value", "list_value") else inner


def text_in(content: Any) -> str:
    """The text of a content block, of a list of them, or of a plain string."""
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        return "".join(text_in(entry) for entry in content)
    payload = fields_or_empty(content)
    return str_field(payload, "text") or text_in(payload.get("content") or "")


def usage_counts(payload: Any, **names: str | tuple[str, ...]) -> dict[str, int]:
    """Whole numbers of a usage under our names: `usage_counts(usage, input="inputTokens")`. The first spelling found wins."""
    usage = fields_or_empty(payload)
    found: dict[str, int] = {}
    for ours, theirs in names.items():
        for name in (theirs,) if isinstance(theirs, str) else theirs:
            value = usage.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST:
                found.setdefault(ours, value)
    return found
