"""Payload of an item under the JSON names of its protocol: frames unwrapped, SDK objects and
protobuf messages dumped.
"""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from nbagent.adapters.base.fields import fields_or_empty, str_field

_FRAME_FIELDS = {"event", "data", "id", "retry"}
_COUNT_LIMIT = 2**63
_JSON_MESSAGES = {"google.protobuf.Value", "google.protobuf.Struct", "google.protobuf.ListValue"}


class Frame(NamedTuple):
    """A server-sent event.

    Attributes:
        name: the `event:` field, or None.
        data: the payload.
    """

    name: str | None
    data: Any


def frame_of(item: Any) -> Frame:
    """Unwrap `{"event": name, "data": payload}`. Any other item is a payload without a name."""
    if isinstance(item, str):
        return Frame(None, item)
    if (
        isinstance(item, Mapping)
        and "data" in item
        and isinstance(item.get("event"), str)
        and set(item) <= _FRAME_FIELDS
    ):
        return Frame(item["event"], item["data"])
    return Frame(None, item)


def to_wire_dict(item: Any) -> Mapping[str, Any]:
    """Return the item's fields under their names on the wire; empty for an item without fields.

    Pydantic models are dumped by alias (`toolCallId` for `tool_call_id`). Protobuf messages give
    the fields that were set, under their JSON names.
    """
    if isinstance(item, Mapping):
        return item
    if hasattr(item, "__pydantic_fields_set__"):
        dumped: dict[str, Any] = item.model_dump(
            mode="json", by_alias=True, exclude_none=True, warnings=False
        )
        return dumped
    if hasattr(item, "DESCRIPTOR") and hasattr(item, "ListFields"):
        read = _protobuf(item)
        if isinstance(read, Mapping):
            return read
        return {}
    return fields_or_empty(item)


def try_wire_dict(item: Any) -> Mapping[str, Any]:
    """Return the fields of an item of any system like `to_wire_dict`; empty if reading them
    raises.
    """
    try:
        return to_wire_dict(frame_of(item).data)
    except Exception:  # another system's object may raise anything when it is dumped
        return {}


def _protobuf(message: Any) -> Any:
    """Return a protobuf message as JSON types, by its own descriptor, so that protobuf need not be
    imported.
    """
    name = message.DESCRIPTOR.full_name
    if name in _JSON_MESSAGES:
        return _value(message)
    if name == "google.protobuf.Timestamp":
        return str(message.ToJsonString())
    return {field.json_name: _field(field, value) for field, value in message.ListFields()}


def _field(field: Any, value: Any) -> Any:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        inner = entry.fields_by_name["value"]
        return {str(key): _single(inner, value[key]) for key in value}
    if isinstance(value, (str, bytes, int, float, bool)) or hasattr(value, "DESCRIPTOR"):
        return _single(field, value)
    return [_single(field, one) for one in value]


def _single(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        if known is None:
            return value
        return known.name
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "DESCRIPTOR"):
        return _protobuf(value)
    return value


def _value(message: Any) -> Any:
    """Return the JSON value of a `Value`, `Struct` or `ListValue`."""
    name = message.DESCRIPTOR.name
    if name == "Struct":
        return {key: _value(message.fields[key]) for key in message.fields}
    if name == "ListValue":
        return [_value(one) for one in message.values]
    kind = message.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    inner = getattr(message, kind)
    if kind in ("struct_value", "list_value"):
        return _value(inner)
    return inner


def text_in(content: Any) -> str:
    """Return the text of a content block, of a list of content blocks, or of a plain string."""
    if isinstance(content, str):
        return content
    if isinstance(content, (list, tuple)):
        return "".join(text_in(entry) for entry in content)
    block = fields_or_empty(content)
    return str_field(block, "text") or text_in(block.get("content") or "")


def usage_counts(usage: Any, **names: str | tuple[str, ...]) -> dict[str, int]:
    """Return the integers of a usage object under our names, as in `usage_counts(usage,
    input="inputTokens")`.

    Where several upstream names are given for one of ours, the first that the object has wins.
    """
    counts = fields_or_empty(usage)
    found: dict[str, int] = {}
    for ours, theirs in names.items():
        if isinstance(theirs, str):
            theirs = (theirs,)
        for name in theirs:
            value = counts.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _COUNT_LIMIT:
                found.setdefault(ours, value)
    return found
